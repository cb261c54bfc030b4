import { connect, createServer, type AddressInfo } from 'node:net';
import type { Test } from 'tap';
import type { ClickHouseClient } from '@clickhouse/client';
import { createEngineClient } from '../../../src/query/engine/client.js';
import { linkTo, type Link } from '../../services/link.js';
import { startEngine } from '../analytics/analytics-server.js';

/** ClickHouse as a server that several processes share: the embedded engine in a process of its own, reached over HTTP. */
export interface ClickhouseService {
  /** For `QUIPU_CLICKHOUSE_URL`. */
  readonly url: string;
  /** The network between it and whoever uses `url`. */
  readonly link: Link;
  /** Past that network. */
  readonly client: ClickHouseClient;
  /** kill -9; it starts again by itself, on its data. */
  kill(): void;
}

/** Starts it for the length of a test. */
export async function startClickhouse(t: Test): Promise<ClickhouseService> {
  const { socketPath, supervisor } = await startEngine(t, { maxStatements: 24, maxBodyBytes: 64 << 20 });
  const gate = createServer((socket) => {
    const inner = connect(socketPath);
    socket.on('error', () => inner.destroy());
    inner.on('error', () => socket.destroy());
    socket.pipe(inner).pipe(socket);
  });
  await new Promise<void>((resolve) => gate.listen(0, '127.0.0.1', resolve));
  const link = await linkTo(`http://127.0.0.1:${(gate.address() as AddressInfo).port}`);
  const client = createEngineClient({ kind: 'socket', socketPath });
  t.teardown(async () => {
    await client.close();
    await link.end();
    gate.close();
  });
  return { url: link.url, link, client, kill: () => { process.kill(supervisor.pid()!, 'SIGKILL'); } };
}
