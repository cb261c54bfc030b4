import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import type { ClickHouseClient } from '@clickhouse/client';
import { createEngineClient } from '../../src/query/engine/client.js';
import { createSupervisor } from '../../src/query/engine/supervisor.js';
import { migrate } from '../../src/query/migrate.js';
import { queryMemory } from '../../src/query/query-memory.js';
import { createSummaries, type Summaries } from '../../src/query/summaries.js';
import { createTenantDatabases } from '../../src/query/tenant-databases.js';

/** The tenant that the benchmark's rows belong to. */
export const tenant = 'default';

/** The embedded engine with the program's schema, started as the program starts it. */
export interface Engine {
  /** For what fills it: no limits but the engine's. */
  client: ClickHouseClient;
  /** A client whose statements have these limits, as the program's queries have; closed with the engine. */
  limited(queryBytes: number, seconds: number): ClickHouseClient;
  summaries: Summaries;
  /** How often the engine's process was started: more than once when it was ended for its memory. */
  starts(): number;
  /** Peak of resident bytes of the engine's process since the last call. */
  peakBytes(): number;
  close(): Promise<void>;
}

const log = { info: () => undefined, warn: () => undefined };

/**
 * Opens the engine on a folder and brings its tables and views up to date.
 * @param memoryBytes what QUIPU_ANALYTICS_MEMORY_BYTES says
 * @throws Error where the package chdb is not installed
 */
export async function startEngine(folder: string, memoryBytes: number): Promise<Engine> {
  mkdirSync(folder, { recursive: true });
  const socketPath = join(tmpdir(), `quipu-bench-${randomUUID()}.sock`);
  const supervisor = createSupervisor({
    path: folder, socketPath, memoryBytes, maxResidentBytes: memoryBytes * 1.5, maxStatements: 24, maxBodyBytes: 256 << 20, defaults: {}, log,
  });
  supervisor.start();
  if (!(await supervisor.settled())) {
    const state = supervisor.state();
    await supervisor.close();
    throw new Error(`The embedded engine does not run: ${JSON.stringify(state)}`);
  }
  const clients: ClickHouseClient[] = [];
  const connect = (...[settings]: [Parameters<typeof createEngineClient>[1]?]): ClickHouseClient => {
    const client = createEngineClient({ kind: 'socket', socketPath }, { requestTimeout: 3_600_000, ...settings });
    clients.push(client);
    return client;
  };
  const client = connect();
  await migrate(client);
  // As the program makes them: within the memory of a query.
  const summaries = createSummaries({ client: connect({ connections: 2, settings: queryMemory(1 << 30) }) });
  await summaries.prepare();
  await createTenantDatabases({ client }).ensure(tenant);
  return {
    client, summaries,
    limited: (queryBytes, seconds) => connect({ settings: { ...queryMemory(queryBytes), max_execution_time: seconds } }),
    starts: () => supervisor.starts(),
    peakBytes: () => peakBytes(supervisor.pid()),
    close: async () => {
      for (const open of clients) await open.close();
      await supervisor.close();
      rmSync(socketPath, { force: true });
    },
  };
}

/** Reads the peak of a process's resident memory and sets it back; 0 where there is no process. */
function peakBytes(pid: number | undefined): number {
  if (pid === undefined) return 0;
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
    return Number(kilobytes ?? 0) * 1024;
  } catch {
    return 0;
  }
}
