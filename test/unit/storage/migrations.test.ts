import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import t, { type Test } from 'tap';
import type { Level } from '../../../src/storage/leveldb/level.js';
import { bringForward, FORMAT, migrations, type Migration } from '../../../src/storage/leveldb/migrations.js';

async function open(t: Test): Promise<Level> {
  const directory = await mkdtemp(join(tmpdir(), 'quipu-migrations-'));
  const level: Level = new ClassicLevel<Buffer, Buffer>(directory, { keyEncoding: 'buffer', valueEncoding: 'buffer' });
  await level.open();
  t.teardown(async () => {
    await level.close();
    await rm(directory, { recursive: true, force: true });
  });
  return level;
}

const formatOf = (level: Level): string => level.getSync(Buffer.from('\0mformat'))!.toString();

t.test('older data is brought forward step by step, each once, and goes on after a crash', async (t) => {
  const level = await open(t);
  await bringForward(level, 'here', 1);
  const salt = level.getSync(Buffer.from('\0msalt'))!;
  t.equal(salt.length, 16);
  const ran: number[] = [];
  let crash = true;
  const steps: Migration[] = [
    { to: 3, run: async () => { ran.push(3); if (crash) throw new Error('power cut'); } },
    { to: 2, run: async () => { ran.push(2); } },
  ];
  await t.rejects(bringForward(level, 'here', 3, steps), /power cut/);
  t.equal(formatOf(level), '2', 'the finished step stays done');
  crash = false;
  await bringForward(level, 'here', 3, steps);
  await bringForward(level, 'here', 3, steps);
  t.same(ran, [2, 3, 3]);
  t.equal(formatOf(level), '3');
  t.same(level.getSync(Buffer.from('\0msalt')), salt, 'the salt stays');
  await t.rejects(bringForward(level, 'here', 2, steps), /written by a newer Quipu \(data format 3; this one knows up to 2\)/);
  await t.rejects(bringForward(level, 'here', 4, steps), /no way to 4/);
});

t.test('there is a step to every format that was ever written', async (t) => {
  t.same(migrations.map(({ to }) => to), Array.from({ length: FORMAT - 1 }, (_, index) => index + 2));
});
