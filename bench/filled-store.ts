import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { generateStatements, platform, type GeneratedStatement } from './generator.js';
import { readStatement } from './peer.js';
import { startQuipu } from './quipu.js';
import type { Bench, Target } from './scenario.js';
import { createTally, drawFilters, factsOf, filterKinds, type Filter, type FilterKind } from './statement-queries.js';

/** A filter, and how many statements of the store it finds. */
export interface CountedFilter {
  filter: Filter;
  expected: number;
}

/** Statements that were stored once and are read by every run since. */
export interface FilledStore {
  size: number;
  /** Data folder; nobody runs on it: see `cloneStore`. */
  folder: string;
  filters: Readonly<Record<FilterKind, readonly CountedFilter[]>>;
  /** Moments of the filling, oldest first: how many statements were stored until then, all others being stored later. */
  marks: readonly Mark[];
  /** Bytes of the statements' JSON as it was sent. */
  textBytes: number;
  /** Bytes that the process had written to disk for them. */
  writtenBytes: number;
}

export interface Mark {
  statements: number;
  /** Milliseconds since the epoch. */
  time: number;
}

/** What a filling has done so far. */
interface Progress {
  fingerprint: string;
  statements: number;
  counts: number[];
  marks: Mark[];
  textBytes: number;
  writtenBytes: number;
}

const SEED = 20_000;
const FILTERS_A_KIND = 64;
const LARGEST_BLOCK = 20_000;
const LARGEST_BATCH = 1000;
const UNDER_WAY = 2;
/** Milliseconds between two lines of progress. */
const TELLING = 10_000;
const PATIENCE_WITH_PEERS = 300_000;
const kinds = Object.keys(filterKinds) as FilterKind[];

/** Id of the statement with that number in every filled store. */
export function filledId(number: number): string {
  const hex = createHash('md5').update(`statement ${number}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
}

/**
 * A Quipu store with so many statements, filled through HTTP the first time. After an interruption it goes on where it was;
 * when the generator gives other statements than it was filled with, it is filled anew.
 */
export async function filledStore(bench: Pick<Bench, 'folder' | 'say'>, size: number): Promise<FilledStore> {
  const folder = join(bench.folder, `filled-${size}`);
  const filling = createFilling(bench, size, `${folder}.json`);
  if (!(await filling.resume()) || !existsSync(folder)) {
    await filling.restart();
    await rm(folder, { recursive: true, force: true });
  }
  if (!filling.done()) {
    const quipu = await startQuipu({ folder });
    try {
      const before = filling.progress.writtenBytes;
      await filling.run(quipu.target, async () => { filling.progress.writtenBytes = before + await quipu.written(); });
      await settled(() => quipu.written());
      filling.progress.writtenBytes = before + await quipu.written();
    } finally {
      await quipu.stop();
    }
    await filling.save();
  }
  const { counts, marks, textBytes, writtenBytes } = filling.progress;
  return { size, folder, filters: filling.counted(counts), marks, textBytes, writtenBytes };
}

/**
 * Stores the same statements at a peer, unless it has them. One that is slow is given five minutes, and goes on in the next run.
 * @returns whether it has them all
 */
export async function fillPeer(bench: Pick<Bench, 'folder' | 'say'>, peer: Target, size: number): Promise<boolean> {
  const filling = createFilling(bench, size, join(bench.folder, `peer-${peer.name.replace(/\W+/g, '-')}-${size}.json`));
  const has = async (number: number): Promise<boolean> => (await readStatement(peer, filledId(number))) !== undefined;
  // One that was made empty since begins anew.
  if (await filling.resume() && !(await has(filling.progress.statements - 1))) await filling.restart();
  try {
    const until = performance.now() + PATIENCE_WITH_PEERS;
    if (!filling.done()) {
      await filling.run(peer, async () => {
        if (performance.now() < until || filling.done()) return;
        await filling.save();
        throw new Error(`it has taken ${filling.progress.statements} of ${size} statements in five minutes`);
      });
    }
    return await has(0) && await has(size - 1);
  } catch (error) {
    bench.say(`${peer.name} could not be filled: ${(error as Error).message}`);
    return false;
  }
}

/** A copy to run and write on. What LevelDB never changes is linked, so that it takes no time and little room. */
export async function cloneStore({ folder }: Pick<FilledStore, 'folder'>, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await copyFolder(folder, to);
}

async function copyFolder(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o700 });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, copy] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) await copyFolder(source, copy);
    else if (entry.name.endsWith('.ldb')) await link(source, copy);
    else if (entry.isFile()) await copyFile(source, copy);
  }
}

interface Filling {
  progress: Progress;
  /** Takes up what an earlier run has done; false when that is nothing. */
  resume(): Promise<boolean>;
  restart(): Promise<void>;
  done(): boolean;
  /** @param after called after each block, before its progress is kept */
  run(target: Target, after: () => Promise<void>): Promise<void>;
  save(): Promise<void>;
  counted(counts: readonly number[]): Record<FilterKind, CountedFilter[]>;
}

function createFilling({ say }: Pick<Bench, 'say'>, size: number, file: string): Filling {
  const block = Math.max(500, Math.min(LARGEST_BLOCK, Math.floor(size / 20)));
  const first = [...blockOf(0, block)];
  const samples = first.map(factsOf);
  const filters = kinds.flatMap((kind) => drawFilters(kind, samples, FILTERS_A_KIND));
  const fingerprint = createHash('sha256').update(JSON.stringify([first, filters, size])).digest('hex');
  const nothing = (): Progress => ({ fingerprint, statements: 0, counts: filters.map(() => 0), marks: [], textBytes: 0, writtenBytes: 0 });

  const filling: Filling = {
    progress: nothing(),
    resume: async () => {
      const text = await readFile(file, 'utf8').catch(() => undefined);
      const kept = text === undefined ? undefined : JSON.parse(text) as Progress;
      if (kept?.fingerprint !== fingerprint) return false;
      filling.progress = kept;
      return kept.statements > 0;
    },
    restart: async () => {
      filling.progress = nothing();
      await rm(file, { force: true });
    },
    done: () => filling.progress.statements >= size,
    run: async (target, after) => {
      let told = performance.now();
      const [begun, from] = [told, filling.progress.statements];
      while (!filling.done()) {
        const { progress } = filling;
        const tally = createTally(filters, progress.counts);
        const count = Math.min(block, size - progress.statements);
        progress.textBytes += await sendBlock(target, progress.statements, count, block, tally.add);
        progress.statements += count;
        progress.counts = tally.counts;
        // On both sides of the moment the clock moves on, so that nothing is stored in the same millisecond.
        await wait(2);
        progress.marks.push({ statements: progress.statements, time: Date.now() });
        await wait(2);
        await after();
        await filling.save();
        if (performance.now() - told < TELLING && !filling.done()) continue;
        told = performance.now();
        say(`${target.name}: ${progress.statements} of ${size} statements stored, ${Math.round((progress.statements - from) / ((told - begun) / 1000))}/s`);
      }
    },
    save: async () => {
      await writeFile(`${file}.new`, JSON.stringify(filling.progress));
      await rename(`${file}.new`, file);
    },
    counted: (counts) => {
      const all = filters.map((filter, index): CountedFilter => ({ filter, expected: counts[index]! }));
      return Object.fromEntries(kinds.map((kind, at) => [kind, all.slice(at * FILTERS_A_KIND, (at + 1) * FILTERS_A_KIND)])) as Record<FilterKind, CountedFilter[]>;
    },
  };
  return filling;
}

/** The statements from a number on, which begins a block; the same whenever they are asked for. */
function* blockOf(start: number, count: number, block = count): Generator<GeneratedStatement> {
  let number = start;
  for (const statement of generateStatements(SEED + start / block, count, platform)) yield { ...statement, id: filledId(number++) };
}

/** @returns bytes of the statements */
async function sendBlock(target: Target, start: number, count: number, block: number, seen: (facts: ReturnType<typeof factsOf>) => void): Promise<number> {
  const underWay = new Set<Promise<void>>();
  let bytes = 0;
  let left = count;
  let texts: string[] = [];
  let ids: string[] = [];
  for (const statement of blockOf(start, count, block)) {
    const text = JSON.stringify(statement);
    bytes += Buffer.byteLength(text);
    texts.push(text);
    ids.push(statement.id);
    seen(factsOf(statement));
    left--;
    if (texts.length < LARGEST_BATCH && left > 0) continue;
    const sending = send(target, `[${texts.join(',')}]`, ids).finally(() => underWay.delete(sending));
    underWay.add(sending);
    [texts, ids] = [[], []];
    if (underWay.size >= UNDER_WAY) await Promise.race(underWay);
  }
  await Promise.all(underWay);
  return bytes;
}

async function send(target: Target, body: string, ids: readonly string[]): Promise<void> {
  const answer = await fetch(`${target.url}/statements`, { method: 'POST', headers: { ...headersOf(target), 'Content-Type': 'application/json' }, body });
  const text = await answer.text();
  // A peer that has them already may refuse them, or answer that there is nothing to answer.
  if ((answer.status === 409 || answer.status === 204) && target.name !== 'Quipu') return;
  if (answer.status !== 200) throw new Error(`${target.name} answered ${answer.status}: ${text.slice(0, 500)}`);
  const given = JSON.parse(text) as string[];
  if (given.length !== ids.length || given.some((id, index) => id !== ids[index])) throw new Error(`${target.name} answered other ids than it was sent`);
}

function headersOf({ authorization, version }: Target): Record<string, string> {
  return { Authorization: authorization, 'X-Experience-API-Version': version };
}

/** Waits until a figure stands still for a second and a half, for five minutes at the most: the store has no more to tidy. */
async function settled(figure: () => Promise<number>): Promise<void> {
  let last = await figure();
  for (let looks = 0, still = 0; still < 5 && looks < 1000; looks++) {
    await wait(300);
    const now = await figure();
    still = now === last ? still + 1 : 0;
    last = now;
  }
}
