import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import { createEngineClient } from '../../src/query/engine/client.js';
import { databaseOf } from '../../src/query/tenant-databases.js';
import { createBodies } from '../bodies.js';
import type { LoggedStatement } from '../floors/clickhouse.js';
import { load, type LoadSample } from '../load.js';
import { startQuipu, type Quipu } from '../quipu.js';
import { tenant } from './engine.js';

/** Statements on their way into a Quipu and, where analytics is on, from there into its engine. */
export interface Stream {
  /**
   * Posts statements for so many seconds.
   * @param perSecond statements a second; as many as are answered when left out
   */
  post(options: { seconds: number; perRequest: number; connections: number; perSecond?: number }): Promise<LoadSample>;
  close(): Promise<void>;
}

/** A stream into a Quipu with analytics on. */
export interface ShippedStream extends Stream {
  /** Waits until every answered statement can be queried. @returns statements that can't be after a long wait, or that are there too often, and those of a sample that are missing */
  settle(): Promise<number>;
  /** Answered statements that can't be queried yet. */
  behind(): Promise<number>;
  /** Holds the shipper back, or lets it go on. */
  pause(paused: boolean): Promise<void>;
  /** Watches what can be queried from now on until the function it gives is called, after `settle`: milliseconds from stored to queryable of each statement since, in order. */
  watch(): Promise<() => Promise<number[]>>;
  /** The newest statements in the engine, oldest first. */
  newest(count: number): Promise<LoggedStatement[]>;
}

/** Milliseconds between two looks at what can be queried; a lag is told too long by at most this. */
const LOOK_EVERY = 100;
const PATIENCE = 300_000;

/** Starts a Quipu without analytics on an empty folder. */
export async function startPlainStream(folder: string): Promise<Stream> {
  await rm(folder, { recursive: true, force: true });
  return streamOf(await startQuipu({ folder })).stream;
}

/** Starts a Quipu with analytics on an empty folder, and waits for its engine. */
export async function startShippedStream(folder: string): Promise<ShippedStream> {
  await rm(folder, { recursive: true, force: true });
  const quipu = await startQuipu({ folder, analytics: true });
  const { stream, answered, sample } = streamOf(quipu);
  const client = createEngineClient({ kind: 'socket', socketPath: join(folder, 'analytics.sock') });
  // The first statements make the tenant's database and tell that all is up.
  await stream.post({ seconds: 1, perRequest: 10, connections: 1, perSecond: 100 });
  await within(async () => (await number(client, 'SELECT count() FROM quipu.statement_log').catch(() => 0)) > 0, true);

  const shipped = (): Promise<number> => number(client, 'SELECT count() FROM quipu.statement_log');
  return {
    ...stream,
    behind: async () => answered() - await shipped(),
    settle: async () => {
      await within(async () => (await shipped()) >= answered());
      const ids = sample(50);
      const found = await number(client, `SELECT uniqExact(id) FROM ${databaseOf(tenant)}.statements WHERE id IN (${ids.map((id) => `'${id}'`).join(', ')})`);
      return Math.abs(answered() - await shipped()) + ids.length - found;
    },
    pause: async (paused) => {
      const answer = await fetch(`${quipu.origin}/v1/consumers/analytics/${paused ? 'pause' : 'resume'}`, { method: 'POST', headers: { authorization: quipu.target.authorization } });
      if (!answer.ok) throw new Error(`The consumer analytics could not be paused: ${answer.status} ${await answer.text()}`);
      await answer.arrayBuffer();
    },
    watch: () => watchLag(client),
    newest: async (count) => {
      const found = await client.query({ query: `SELECT toUInt32(position) AS position, id, toFloat64(toUnixTimestamp64Milli(stored)) AS stored, text FROM quipu.statement_log WHERE position > (SELECT max(position) FROM quipu.statement_log) - ${count} ORDER BY position DESC LIMIT ${count}`, format: 'JSONEachRow' });
      return (await found.json<LoggedStatement>()).reverse();
    },
    close: async () => {
      await client.close();
      await stream.close();
    },
  };
}

function streamOf(quipu: Quipu): { stream: Stream; answered(): number; sample(count: number): string[] } {
  const all = new Map<number, ReturnType<typeof createBodies>>();
  let answered = 0;
  return {
    answered: () => answered,
    sample: (count) => [...all.values()].flatMap((bodies) => bodies.sample(Math.ceil(count / all.size))),
    stream: {
      post: async ({ seconds, perRequest, connections, perSecond }) => {
        const bodies = all.get(perRequest) ?? createBodies({ seed: perRequest, perRequest });
        all.set(perRequest, bodies);
        const headers = { 'Content-Type': bodies.contentType };
        const sample = await load({
          target: quipu.target, connections, seconds, statementsPerRequest: perRequest, ...(perSecond === undefined ? {} : { requestsPerSecond: perSecond / perRequest }),
          request: () => ({ method: 'POST', path: '/statements', headers, body: bodies.next() }),
          // So long is a JSON array of so many UUIDs.
          expect: (status, body) => status === 200 && body.length === perRequest * 39 + 1,
        });
        answered += sample.answered * perRequest;
        return sample;
      },
      close: () => quipu.stop(),
    },
  };
}

/** Looks again and again at the highest position that can be queried: positions come in order. */
async function watchLag(client: ClickHouseClient): Promise<() => Promise<number[]>> {
  const start = await number(client, 'SELECT max(position) FROM quipu.statement_log');
  const looks: { at: number; position: number }[] = [{ at: Date.now(), position: start }];
  let stopped = false;
  const look = async (): Promise<void> => {
    const last = looks.at(-1)!.position;
    const position = await number(client, `SELECT max(position) FROM quipu.statement_log WHERE tenant = '${tenant}' AND position > ${last}`);
    if (position > last) looks.push({ at: Date.now(), position });
  };
  const watching = (async () => {
    while (!stopped) {
      await look();
      await wait(LOOK_EVERY);
    }
  })();
  return async () => {
    stopped = true;
    await watching;
    await look();
    const found = await client.query({ query: `SELECT toUInt32(position), toFloat64(toUnixTimestamp64Milli(stored)) FROM quipu.statement_log WHERE position > ${start} ORDER BY position`, format: 'JSONCompactEachRow' });
    let next = 1;
    return (await found.json<[number, number]>()).map(([position, stored]) => {
      while (looks[next]!.position < position) next++;
      return looks[next]!.at - stored;
    });
  };
}

async function number(client: ClickHouseClient, query: string): Promise<number> {
  const found = await client.query({ query: `SELECT toFloat64((${query}))`, format: 'JSONCompactEachRow' });
  return (await found.json<[number]>())[0]![0];
}

/** Waits until something holds, or a long time has passed. @throws Error then, where it must hold */
async function within(holds: () => Promise<boolean>, must = false): Promise<void> {
  for (const begun = performance.now(); !(await holds());) {
    if (performance.now() - begun > PATIENCE) {
      if (must) throw new Error('The analytics engine did not answer in time');
      return;
    }
    await wait(20);
  }
}
