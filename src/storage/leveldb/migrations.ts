import { randomBytes } from 'node:crypto';
import { metaKey } from './keys.js';
import { readHead, type Level } from './level.js';
import { writtenThrough } from './recent-postings.js';

/** The data format that this version writes. */
export const FORMAT = 3;

/** A step that brings data from the format before it to `to`. */
export interface Migration {
  to: number;
  /** Must be repeatable: after a crash in the middle it is run again from its beginning. */
  run(level: Level): Promise<void>;
}

/** Every step there has been, each to the format after the one before. */
export const migrations: readonly Migration[] = [
  // Small attachments came into the database. Nothing older changes, but who knows the format 1 alone would not find them.
  { to: 2, run: () => Promise.resolve() },
  // The postings of the newest statements came to stand in the records alone. Until now each commit wrote its own.
  {
    to: 3,
    run: async (level) => {
      const { key, value } = writtenThrough(readHead(level).position);
      await level.put(key, value);
    },
  },
];

/**
 * Makes a new store one of this format, and brings an older one forward step by step.
 * @throws Error with a sentence for the operator when a newer Quipu has written the data
 */
export async function bringForward(level: Level, directory: string, newest = FORMAT, steps: readonly Migration[] = migrations): Promise<void> {
  const stored = level.getSync(metaKey('format'));
  if (!stored) {
    await level.batch([
      { type: 'put', key: metaKey('format'), value: Buffer.from(String(newest)) },
      { type: 'put', key: metaKey('salt'), value: randomBytes(16) },
    ], { sync: true });
    return;
  }
  const format = Number(stored.toString());
  if (format > newest) {
    throw new Error(`The data in ${directory} was written by a newer Quipu (data format ${format}; this one knows up to ${newest}). Start that newer version, or restore a backup made by this one.`);
  }
  for (let next = format + 1; next <= newest; next++) {
    const step = steps.find(({ to }) => to === next);
    if (!step) throw new Error(`The data in ${directory} has the format ${next - 1}, from which this Quipu knows no way to ${next}.`);
    await step.run(level);
    await level.put(metaKey('format'), Buffer.from(String(next)), { sync: true });
  }
}
