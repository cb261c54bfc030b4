import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createBodies, type Bodies } from '../bodies.js';
import { percentile } from '../client.js';
import { timeByStage, type CpuProfile, type Stage } from '../cpu-stages.js';
import { cloneStore, filledId, filledStore, type FilledStore } from '../filled-store.js';
import { load, type LoadSample } from '../load.js';
import { startQuipu, type Quipu } from '../quipu.js';
import type { Bench, Figure, Goal, Scenario } from '../scenario.js';

const MB = 1e6;
const CONNECTIONS = 16;
const profiler = new URL('../profiler.js', import.meta.url).href;

export const resources: Scenario = {
  name: 'resources',
  about: 'The start, memory, bytes on disk, and the CPU that a statement takes, stage by stage.',
  goals: goals(),
  run: async (bench) => {
    const folder = join(bench.folder, 'resources');
    await rm(folder, { recursive: true, force: true });
    await start(bench, folder, 'empty');
    for (const size of bench.sizes) {
      const store = await filledStore(bench, size);
      await disk(bench, store);
      await cloneStore(store, folder);
      await start(bench, folder, String(size), filledId(size - 1));
      await fullLoad(bench, folder, size);
      await rm(folder, { recursive: true, force: true });
    }
    for (const perRequest of bench.quick ? [100] : [1, 100]) await stages(bench, folder, perRequest);
  },
};

/** Starts from the process's first moment to the first answer, with what it takes of memory when nobody asks for anything. */
async function start(bench: Bench, folder: string, what: string, id?: string): Promise<void> {
  const times: number[] = [];
  const ready: number[] = [];
  const resident: number[] = [];
  let wrong = 0;
  for (let time = 0; time < (bench.quick ? 2 : 5); time++) {
    const began = performance.now();
    const quipu = await startQuipu({ folder });
    const { url, authorization, version } = quipu.target;
    const answer = await fetch(`${url}/statements?${id === undefined ? 'limit=1' : `statementId=${id}`}`, { headers: { Authorization: authorization, 'X-Experience-API-Version': version } });
    const text = await answer.text();
    times.push(performance.now() - began);
    ready.push(quipu.startedIn);
    if (answer.status !== 200 || (id !== undefined && !text.includes(id))) wrong++;
    await wait(bench.quick ? 200 : 3000);
    resident.push((await quipu.memory()).resident / MB);
    await quipu.stop();
  }
  bench.record({ scenario: `resources/start/${what}`, name: 'Quipu', value: percentile(times, 0.5), unit: 'ms', wrong, note: `to the first statement read; ${times.length} starts` });
  bench.record({ scenario: `resources/start-to-ready/${what}`, name: 'Quipu', value: percentile(ready, 0.5), unit: 'ms', wrong: 0, note: 'to the first /health/ready' });
  bench.record({ scenario: `resources/memory-at-rest/${what}`, name: 'Quipu', value: percentile(resident, 0.5), unit: 'MB', wrong: 0 });
}

/** What the statements take on disk, and what was written for them while the store was filled. */
async function disk(bench: Bench, { folder, size, textBytes, writtenBytes }: FilledStore): Promise<void> {
  const bytes = await bytesIn(folder);
  const record = (name: string, value: number, unit: string): void => bench.record({ scenario: `resources/${name}/${size}`, name: 'Quipu', value, unit, wrong: 0, note: `${Math.round(textBytes / size)} bytes of text a statement` });
  record('disk', bytes / MB, 'MB');
  record('disk-of-text', bytes / textBytes, 'of the text');
  record('written-of-text', writtenBytes / textBytes, 'of the text');
  record('written-a-statement', writtenBytes / size, 'bytes');
}

async function bytesIn(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    bytes += entry.isDirectory() ? await bytesIn(path) : (await stat(path)).size;
  }
  return bytes;
}

/** Memory, CPU and written bytes under as much as it takes. */
async function fullLoad(bench: Bench, folder: string, size: number): Promise<void> {
  const quipu = await startQuipu({ folder });
  try {
    const bodies = createBodies({ seed: 21, perRequest: 100 });
    const before = { cpu: await quipu.cpu(), written: await quipu.written() };
    const [sample, largest] = await Promise.all([post(quipu, bodies, 100, bench.quick ? 1.5 : 30), largestMemory(quipu)]);
    const statements = sample.answered * 100;
    const note = `by 100 at ${CONNECTIONS} connections, ${Math.round(sample.rate)} statements/s`;
    const record = (name: string, value: number, unit: string, wrong = 0): void => bench.record({ scenario: `resources/under-load/${name}/${size}`, name: 'Quipu', value, unit, wrong, note });
    record('rate', sample.rate, 'statements/s', sample.wrong);
    record('resident', largest.resident / MB, 'MB');
    record('anonymous', largest.anonymous / MB, 'MB');
    record('written-a-statement', (await quipu.written() - before.written) / statements, 'bytes');
    record('cpu-a-statement', ((await quipu.cpu() - before.cpu) * 1e6) / statements, 'µs');
  } finally {
    await quipu.stop();
  }

  /** The most it has held at any moment until the load is over. */
  async function largestMemory(of: Quipu): Promise<{ resident: number; anonymous: number }> {
    const largest = { resident: 0, anonymous: 0 };
    const until = performance.now() + (bench.quick ? 1500 : 30_000);
    while (performance.now() < until) {
      const { resident, anonymous } = await of.memory();
      largest.resident = Math.max(largest.resident, resident);
      largest.anonymous = Math.max(largest.anonymous, anonymous);
      await wait(100);
    }
    return largest;
  }
}

function post({ target }: Quipu, bodies: Bodies, perRequest: number, seconds: number): Promise<LoadSample> {
  return load({
    target, connections: CONNECTIONS, seconds, expect: 200, statementsPerRequest: perRequest,
    request: () => ({ method: 'POST', path: '/statements', headers: { 'Content-Type': bodies.contentType }, body: bodies.next() }),
  });
}

/** CPU a statement by stage, from a profile of every thread while statements are posted; the rest is threads that run no JavaScript. */
async function stages(bench: Bench, folder: string, perRequest: number): Promise<void> {
  const profile = `${folder}-profile`;
  const quipu = await startQuipu({ folder, settings: { NODE_OPTIONS: `--import=${profiler}`, BENCH_PROFILE: profile } });
  try {
    const bodies = createBodies({ seed: 22, perRequest });
    await post(quipu, bodies, perRequest, bench.quick ? 0.7 : 5);
    process.kill(quipu.pid, 'SIGUSR2');
    // The beginning of a profile takes time of its own.
    await wait(700);
    const before = await quipu.cpu();
    const sample = await post(quipu, bodies, perRequest, bench.quick ? 1 : 10);
    const cpu = (await quipu.cpu() - before) * 1e6;
    process.kill(quipu.pid, 'SIGUSR2');
    const times = await readProfiles(profile);
    const statements = sample.answered * perRequest;
    const busy = sum(times.values());
    const record = (stage: string, microseconds: number, wrong = 0): void => bench.record({
      scenario: `resources/cpu/post-${perRequest}/${stage.replaceAll(' ', '-')}`, name: 'Quipu', value: microseconds / statements, unit: 'µs', wrong, note: 'a statement, while it is profiled',
    });
    record('all', cpu, sample.wrong);
    for (const [stage, time] of [...times].sort(([, a], [, b]) => b - a)) record(stage, time);
    record('threads of LevelDB, V8 and libuv', Math.max(0, cpu - busy));
  } finally {
    await quipu.stop();
    await Promise.all((await profilesOf(profile)).map((file) => rm(file)));
    await rm(folder, { recursive: true, force: true });
  }
}

function sum(times: Iterable<number>): number {
  return [...times].reduce((all, time) => all + time, 0);
}

async function profilesOf(prefix: string): Promise<string[]> {
  const folder = join(prefix, '..');
  return (await readdir(folder)).map((name) => join(folder, name)).filter((path) => path.startsWith(`${prefix}-`) && path.endsWith('.cpuprofile'));
}

/**
 * Microseconds of CPU by stage over all threads that run JavaScript; waits until the profiles are written. A profile tells how long things
 * took by the clock, so that of each thread is made as long as the CPU time it has had.
 * @throws Error when no profile is written within ten seconds
 */
async function readProfiles(prefix: string): Promise<Map<Stage, number>> {
  const main = `${prefix}-0.cpuprofile`;
  for (let looks = 0; looks < 100 && !(await profilesOf(prefix)).includes(main); looks++) await wait(100);
  await wait(500);
  const times = new Map<Stage, number>();
  const files = await profilesOf(prefix);
  if (files.length === 0) throw new Error(`No profile was written by ${fileURLToPath(profiler)}`);
  for (const file of files) {
    const profile = JSON.parse(await readFile(file, 'utf8')) as CpuProfile & { cpu: number };
    const found = timeByStage(profile);
    const scale = profile.cpu / sum(found.values());
    // A thread that has had nothing to do has no time to share out.
    if (Number.isFinite(scale)) for (const [stage, time] of found) times.set(stage, (times.get(stage) ?? 0) + time * scale);
  }
  return times;
}

function goals(): Goal[] {
  const value = (figures: readonly Figure[], scenario: string): number | undefined => figures.find((figure) => figure.scenario === scenario)?.value;
  const below = (one: number | undefined, most: number): boolean | undefined => (one === undefined ? undefined : one < most);
  return [
    { scenario: 'resources', text: 'less than a second from the start to the first statement read with a million statements stored', reached: (figures) => below(value(figures, 'resources/start/1000000'), 1000) },
    {
      scenario: 'resources', text: 'resident memory below 400 MB at full load without analytics',
      reached: (figures) => {
        const seen = figures.filter(({ scenario }) => scenario.startsWith('resources/under-load/resident/'));
        return seen.length === 0 ? undefined : seen.every((figure) => figure.value < 400);
      },
    },
    {
      scenario: 'resources', text: 'ingest at 10 million statements at least 0.8 of its rate at 100 thousand',
      reached: (figures) => {
        const [small, large] = [value(figures, 'resources/under-load/rate/100000'), value(figures, 'resources/under-load/rate/10000000')];
        return small === undefined || large === undefined ? undefined : large >= 0.8 * small;
      },
    },
    {
      scenario: 'resources', text: 'on disk at 10 million statements at most 0.55 of the accepted text',
      reached: (figures) => below(value(figures, 'resources/disk-of-text/10000000'), 0.5501),
    },
  ];
}
