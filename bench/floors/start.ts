import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Sample, Target } from '../scenario.js';
import type { LevelAnswer, LevelQuestion, LevelRead, LevelWrite } from './leveldb.js';

/** A floor in a process of its own, which ends with this one. */
interface FloorProcess<Question, Answer> {
  /** The next thing that the process tells, after having been asked something if anything is given. */
  ask(question?: Question): Promise<Answer>;
  stop(): Promise<void>;
}

function startProcess<Question extends object, Answer>(file: string, args: string[]): FloorProcess<Question, Answer> {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    ask: (question) => new Promise((resolve, reject) => {
      const failed = (): void => reject(new Error(`The floor ${file} ended before it answered`));
      child.once('exit', failed);
      child.once('message', (answer) => {
        child.off('exit', failed);
        resolve(answer as Answer);
      });
      if (question) child.send(question);
    }),
    stop: () => {
      if (child.connected) child.disconnect();
      return ended;
    },
  };
}

/** A bare Fastify that takes the requests of a load and does nothing with them but to parse. */
export interface FastifyFloor {
  /** To be put under load like any other: POST and PUT of any path under it parse JSON, GET answers a statement of 1.2 KB, and GET of `/bytes/N` N bytes, 4 MiB at the most. */
  target: Target;
  stop(): Promise<void>;
}

/** Starts the bare Fastify. */
export async function startFastifyFloor(): Promise<FastifyFloor> {
  const floor = startProcess<never, { url: string }>('./fastify.js', []);
  const { url } = await floor.ask();
  return { target: { name: 'bare Fastify', url, authorization: 'Basic bm9ib2R5Om5vdGhpbmc=', version: '1.0.3' }, stop: () => floor.stop() };
}

/** A bare loop on the store's engine; it answers one thing at a time. */
export interface LevelFloor {
  /** Writes commit after commit for so many seconds, or so many statements; the rate is of statements. */
  write(what: Omit<LevelWrite, 'do'>): Promise<Sample>;
  /** Reads statements by id for so many seconds, one after the other, any of those written so far. */
  read(what: Omit<LevelRead, 'do'>): Promise<Sample>;
  stop(): Promise<void>;
}

/** Starts the bare loop. @param folder where its database is; an existing one is gone on with */
export async function startLevelFloor(folder: string): Promise<LevelFloor> {
  const floor = startProcess<LevelQuestion, LevelAnswer>('./leveldb.js', [folder]);
  await floor.ask();
  return {
    write: async (what) => sampleOf(await floor.ask({ do: 'write', ...what })),
    read: async (what) => sampleOf(await floor.ask({ do: 'read', ...what })),
    stop: () => floor.stop(),
  };
}

function sampleOf(answer: LevelAnswer): Sample {
  if (answer.error !== undefined) throw new Error(`The bare LevelDB loop failed: ${answer.error}`);
  return answer.sample!;
}
