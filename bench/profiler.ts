import { readFileSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { BroadcastChannel, isMainThread, threadId } from 'node:worker_threads';

/**
 * Loaded into a server by `NODE_OPTIONS=--import=…`: the first SIGUSR2 starts a profile of every thread, the second ends them and writes
 * each to `<BENCH_PROFILE>-<thread>.cpuprofile`, with the CPU that the thread has had meanwhile: a profile tells times by the clock.
 */
const prefix = process.env.BENCH_PROFILE;
/** Of the ticks in /proc, a hundred a second on every Linux that Node runs on. */
const MICROSECONDS_A_TICK = 10_000;
const session = new Session();
session.connect();
let running = false;
let before = 0;

/** Microseconds of CPU that this thread has had. */
function threadCpu(): number {
  const stat = readFileSync('/proc/thread-self/stat', 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * MICROSECONDS_A_TICK;
}

function toggle(): void {
  if (!running) {
    session.post('Profiler.enable');
    session.post('Profiler.start');
    before = threadCpu();
  } else {
    const cpu = threadCpu() - before;
    session.post('Profiler.stop', (error, result) => {
      if (!error) writeFileSync(`${prefix}-${threadId}.cpuprofile`, JSON.stringify({ ...result.profile, cpu }));
    });
  }
  running = !running;
}

if (prefix !== undefined) {
  const channel = new BroadcastChannel('bench-profile') as BroadcastChannel & { unref(): void };
  channel.unref();
  if (isMainThread) {
    process.on('SIGUSR2', () => {
      channel.postMessage('toggle');
      toggle();
    });
  } else {
    channel.onmessage = toggle;
  }
}
