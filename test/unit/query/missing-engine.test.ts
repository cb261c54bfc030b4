import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import t from 'tap';
import type { createSupervisor as Create } from '../../../src/query/engine/supervisor.js';

t.test('without the package chdb the engine is missing, and is not tried again', async (t) => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'quipu-missing-')));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(fileURLToPath(new URL('../../../src/query/engine/', import.meta.url)), join(folder, 'engine'), { recursive: true });
  const busboy = dirname(createRequire(import.meta.url).resolve('@fastify/busboy/package.json'));
  mkdirSync(join(folder, 'node_modules', '@fastify'), { recursive: true });
  symlinkSync(busboy, join(folder, 'node_modules', '@fastify', 'busboy'));
  symlinkSync(fileURLToPath(new URL('../../../../package.json', import.meta.url)), join(folder, 'package.json'));

  const { createSupervisor } = await import(pathToFileURL(join(folder, 'engine', 'supervisor.js')).href) as { createSupervisor: typeof Create };
  const told: string[] = [];
  const log = { info: (_details: object, message: string) => told.push(message), warn: (_details: object, message: string) => told.push(message) };
  const supervisor = createSupervisor({
    path: join(folder, 'data'), socketPath: join(folder, 'engine.sock'), memoryBytes: 1 << 30, defaults: {}, maxStatements: 4, maxBodyBytes: 1 << 20, maxResidentBytes: 2 ** 31, backOff: 10, log,
  });
  t.teardown(() => supervisor.close());
  supervisor.start();
  t.equal(await supervisor.settled(), false);
  await new Promise((resolve) => setTimeout(resolve, 300));
  t.same(supervisor.state(), { status: 'missing' });
  t.equal(supervisor.starts(), 1);
  t.same(told, ['Analytics is off: the package chdb is not installed']);
});
