import { createHash } from 'node:crypto';
import { access, constants, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { ResumePoint } from './source-item.js';

/** What an import has done so far. */
export interface ImportCounts {
  stored: number;
  duplicates: number;
  refused: number;
}

/** How far an import has come. */
export interface ImportProgress {
  resume: ResumePoint;
  counts: ImportCounts;
  /** A statement that was taken in: a target that lacks it is not the one that the import had come so far with. */
  proof?: string;
}

/** Keeps how far an import has come, for the time after an interruption. */
export interface Checkpoint {
  load(): Promise<ImportProgress | undefined>;
  save(progress: ImportProgress): Promise<void>;
  remove(): Promise<void>;
}

/**
 * The checkpoint of a source and a target: beside a file as `<file>.quipu-import`; for another LRS, or a folder that can't be
 * written, under `~/.local/state/quipu` (XDG_STATE_HOME). It is passed over when the source or the target is another one now.
 * Standard input has none, because it can't be read again.
 * @param target server and tenant
 */
export async function openCheckpoint(source: string, isUrl: boolean, target: string, env: NodeJS.ProcessEnv = process.env): Promise<Checkpoint> {
  if (source === '-') return { load: () => Promise.resolve(undefined), save: () => Promise.resolve(), remove: () => Promise.resolve() };
  const name = isUrl ? source : resolve(source);
  const path = await pathOf(name, isUrl, env);
  const identity = JSON.stringify([name, target, ...(isUrl ? [] : await fingerprint(name))]);
  return {
    load: async () => {
      try {
        const { identity: kept, ...progress } = JSON.parse(await readFile(path, 'utf8')) as ImportProgress & { identity: string };
        return kept === identity ? progress : undefined;
      } catch {
        return undefined;
      }
    },
    save: async (progress) => {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(`${path}.new`, JSON.stringify({ identity, ...progress }), { mode: 0o600 });
      await rename(`${path}.new`, path);
    },
    remove: () => rm(path, { force: true }),
  };
}

async function pathOf(name: string, isUrl: boolean, env: NodeJS.ProcessEnv): Promise<string> {
  const beside = !isUrl && await access(dirname(name), constants.W_OK).then(() => true, () => false);
  if (beside) return `${name}.quipu-import`;
  const state = env.XDG_STATE_HOME || join(homedir(), '.local', 'state');
  return join(state, 'quipu', `import-${createHash('sha256').update(name).digest('hex').slice(0, 16)}.json`);
}

async function fingerprint(path: string): Promise<number[]> {
  const { size, mtimeMs } = await stat(path);
  return [size, mtimeMs];
}
