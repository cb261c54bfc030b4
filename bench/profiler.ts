import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { BroadcastChannel, isMainThread, threadId } from 'node:worker_threads';

/**
 * Loaded into a server by `NODE_OPTIONS=--import=…`: the first SIGUSR2 starts a profile of every thread, the second ends them and writes
 * each to `<BENCH_PROFILE>-<thread>.cpuprofile`.
 */
const prefix = process.env.BENCH_PROFILE;
const session = new Session();
session.connect();
let running = false;

function toggle(): void {
  if (!running) {
    session.post('Profiler.enable');
    session.post('Profiler.start');
  } else {
    session.post('Profiler.stop', (error, result) => {
      if (!error) writeFileSync(`${prefix}-${threadId}.cpuprofile`, JSON.stringify(result.profile));
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
