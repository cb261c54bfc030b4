import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { startBiServer } from '../unit/query/sql/bi-server.js';

const server = await startBiServer(t);
const script = fileURLToPath(new URL('../../../test/e2e/bi-clients.py', import.meta.url));

/** Runs the script with `QUIPU_TEST_PYTHON`, or python3. @returns undefined when there is no python */
function python(...args: string[]): Promise<{ code: number | null; output: string } | undefined> {
  return new Promise((resolve) => {
    const child = spawn(process.env['QUIPU_TEST_PYTHON'] ?? 'python3', [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => { output += chunk.toString(); });
    child.stderr.on('data', (chunk: Buffer) => { output += chunk.toString(); });
    child.on('error', () => resolve(undefined));
    child.on('close', (code) => resolve({ code, output }));
  });
}

t.test('clickhouse-connect: queries, a pandas frame, SQLAlchemy', { timeout: 120_000, skip: server === undefined && 'the package chdb is not installed' }, async (t) => {
  const { id, secret } = server!.users.acme!;
  const ran = await python(new URL(server!.url).port, id, secret, 'quipu_acme');
  if (ran === undefined || ran.code === 77) {
    t.not(process.env['CI'], 'true', 'CI has python with clickhouse-connect, pandas and SQLAlchemy');
    t.pass('clickhouse-connect', { skip: `python with clickhouse-connect, pandas and SQLAlchemy is not here: ${ran?.output.trim() ?? 'no python3'}` });
    return;
  }
  t.equal(ran.code, 0, ran.output);
  const told = JSON.parse(ran.output.trim().split('\n').at(-1)!) as Record<string, unknown>;
  t.match(told, {
    rows: 40, bound: 'it\'s', frame: [['answered', 26], ['completed', 14]], first: /^datetime64/, setting: 1, schemas: ['quipu_acme'], tables: ['statements', 'verbs'], columns: ['verb', 'statements'],
    alchemy: 'answered', reflected: 14,
  });
  t.equal((told['refused'] as unknown[]).length, 3);
  t.strictSame((told['refused'] as unknown[]).map(Number), [497, 497, 164]);
});
