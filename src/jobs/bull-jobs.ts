import Bull from 'bull';
import type { Jobs } from './jobs.js';
import { redisOptions } from './redis-options.js';
import { createRuns, type RunsDeps } from './runs.js';

export interface BullJobsOptions {
  /** Such as redis://user:password@localhost:6379/0; `rediss:` for TLS. */
  url: string;
  log: { info(details: object, message: string): void; warn(details: object, message: string): void };
  onRun?: RunsDeps['onRun'];
  /** Milliseconds between two wake-ups of the same subject by this process. */
  pace?: number;
}

/** What is kept of a wake-up in Redis. */
interface WakeUp {
  name: string;
  subject: string;
}

/** Wake-ups that one process has under way at a time. */
const places = 16;
/** Milliseconds for which a process that was killed keeps its wake-ups from others. */
const lockDuration = 15_000;
/** Milliseconds after which a queue is opened anew that could not be used. */
const reopening = 5000;
/** Milliseconds that the queue has to close in. */
const patience = 3000;

/**
 * Jobs that are woken through a queue of bull on Redis, so that whichever process is free takes a wake-up. A wake-up is
 * there once, by its name and subject, however often it is given, and is removed when it was followed: Redis holds as many
 * as there are subjects, at the most, and no statement. While Redis is away this process wakes its own jobs, and nothing is
 * held in memory for later.
 */
export function createBullJobs({ url, log, onRun, pace = 500 }: BullJobsOptions): Jobs {
  const runs = createRuns({ log, ...(onRun && { onRun }) });
  const redis = { ...redisOptions(url), maxRetriesPerRequest: 1, connectTimeout: 5000, retryStrategy: (times: number) => Math.min(2000, 100 * 2 ** Math.min(times, 5)) };
  let status: 'ok' | 'failed' = 'failed';
  let told = false;
  let closed = false;
  let queue = open();
  /** Subjects that were woken within the last `pace`; true when they were woken again since. */
  const paced = new Map<string, boolean>();

  function open(): Bull.Queue<WakeUp> {
    const opened = new Bull<WakeUp>('jobs', {
      prefix: '{quipu}', redis,
      settings: { lockDuration, stalledInterval: 10_000, maxStalledCount: 1_000_000, drainDelay: 5, retryProcessDelay: 1000, guardInterval: 30_000 },
      defaultJobOptions: { removeOnComplete: true, removeOnFail: true, attempts: 1 },
    });
    // It would name its connection, and when that fails end the process by a rejection that nobody handles.
    Object.assign(opened, { setWorkerName: () => Promise.resolve() });
    opened.on('error', failed);
    opened.client.on('ready', () => void opened.client.ping().then(answered, failed));
    opened.client.on('close', () => failed('the connection is gone'));
    return opened;
  }

  function answered(): void {
    if (status === 'failed') log.info({}, 'Redis answers: jobs are woken through it');
    status = 'ok';
    told = false;
  }

  function failed(error: unknown): void {
    status = 'failed';
    if (closed || told) return;
    told = true;
    log.warn({ reason: reasonOf(error) }, 'Redis does not do what it is asked: each process wakes its own jobs alone, and looks at all by a slow timer');
  }

  /** Takes wake-ups; a queue that could not begin with that never will, so another is opened. */
  function take(): void {
    const taking = queue;
    taking.process(places, ({ data: { name, subject } }) => runs.run(name, subject)).catch((error: unknown) => {
      if (closed) return;
      failed(error);
      setTimeout(() => {
        if (closed) return;
        void closeQueue(taking);
        queue = open();
        take();
      }, reopening).unref();
    });
  }

  /** Wake-ups that Redis has not answered. */
  const unanswered = new Set<string>();

  function send(name: string, subject: string): void {
    const jobId = `${name}/${subject}`;
    if (closed || queue.client.status !== 'ready' || unanswered.has(jobId)) return void runs.run(name, subject);
    unanswered.add(jobId);
    // A wake-up that is not followed yet is the same one; it is added no second time.
    queue.add({ name, subject }, { jobId }).then(answered, (error: unknown) => {
      failed(error);
      return runs.run(name, subject);
    }).finally(() => unanswered.delete(jobId));
  }

  /** At once, and when it is asked for again meanwhile, once more at the end: a run that is just ending takes no notice of a wake-up. */
  function wake(name: string, subject: string): void {
    const key = `${name}/${subject}`;
    if (paced.has(key)) return void paced.set(key, true);
    send(name, subject);
    paced.set(key, true);
    setTimeout(() => {
      const again = paced.get(key);
      paced.delete(key);
      if (again && !closed) send(name, subject);
    }, pace).unref();
  }

  return {
    define: (job) => runs.define(job),
    wake,
    start: (only) => {
      runs.start(only);
      // A process that runs some jobs alone must not take the wake-ups of the others.
      if (only === undefined) take();
    },
    state: () => ({ transport: 'redis', status }),
    close: async () => {
      closed = true;
      await runs.close();
      await closeQueue(queue);
    },
  };
}

async function closeQueue(queue: Bull.Queue<WakeUp>): Promise<void> {
  await Promise.race([queue.close().catch(() => undefined), new Promise((resolve) => setTimeout(resolve, patience).unref())]);
}

/** The address may stand in a message, its credentials never do: they are not part of what the client tells. */
function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 300) : String(error);
}
