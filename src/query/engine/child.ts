import { mkdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { giveWay } from './give-way.js';
import { openEmbeddedEngine } from './embedded-engine.js';
import { createHttpInterface } from './http-interface.js';

/** What the parent hands to the process of the embedded engine, as JSON in its first argument. */
export interface ChildOptions {
  /** Folder of the engine's data. */
  path: string;
  /** Unix socket to listen on. */
  socketPath: string;
  memoryBytes: number;
  defaults: Record<string, string>;
  maxStatements: number;
  maxBodyBytes: number;
  /** Milliseconds that a statement which was ended may go on before the process is; 15 seconds when left out. */
  endingPatience?: number;
}

/** What the process tells its parent. */
export type ChildMessage = { status: 'listening'; version: string } | { status: 'failed'; reason: string; missing: boolean };

/**
 * The process of the embedded engine: opens the engine, serves its HTTP interface on a socket that its owner alone may
 * open, and ends as soon as the channel to its parent closes, however the parent ended.
 */
async function main(): Promise<void> {
  const { path, socketPath, memoryBytes, defaults, maxStatements, maxBodyBytes, endingPatience = 15_000 } = JSON.parse(process.argv[2]!) as ChildOptions;
  // Before the engine starts its threads, which take it over.
  giveWay();
  process.umask(0o077);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const engine = await openEmbeddedEngine(path, memoryBytes, { patience: endingPatience, onStubborn: () => fail('a statement went on after it was ended') });
  const server = createServer({ maxHeaderSize: 1 << 20 }, createHttpInterface({ engine, defaults, maxStatements, maxBodyBytes }));
  server.keepAliveTimeout = 30_000;
  server.requestTimeout = 0;
  rmSync(socketPath, { force: true });
  process.umask(0o177);
  server.listen(socketPath, () => {
    process.umask(0o077);
    tell({ status: 'listening', version: engine.version });
  });
}

function tell(message: ChildMessage): void {
  process.send?.(message);
}

/** Ends the process. By SIGKILL, because the engine's own exit waits for statements under way; what was answered is on disk. */
function fail(reason: string, missing = false): void {
  process.send?.({ status: 'failed', reason, missing } satisfies ChildMessage, () => process.kill(process.pid, 'SIGKILL'));
}

process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
main().catch((error: Error & { code?: string }) => {
  fail(error.message, error.code === 'ERR_MODULE_NOT_FOUND' || error.code === 'MODULE_NOT_FOUND');
});
