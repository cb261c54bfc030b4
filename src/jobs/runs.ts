import type { Job } from './jobs.js';

/** The runs of jobs in this process, as both adapters of `Jobs` need them. */
export interface Runs {
  define(job: Job): void;
  /** Runs a job for a subject once its turn has come. @returns when a run that began after this call has ended, however */
  run(name: string, subject: string): Promise<void>;
  /** Begins to look at all subjects once in a while, at once for the first time. */
  start(only?: readonly string[]): void;
  close(): Promise<void>;
}

interface Log {
  warn(details: object, message: string): void;
}

/** One job and what runs of it. */
interface Line {
  job: Job;
  /** By subject: the run that waits or goes on, and whether another has to follow it. */
  runs: Map<string, { again: boolean; ended: Promise<void> }>;
  free: number;
  waiting: (() => void)[];
  timer?: NodeJS.Timeout;
  lastReason?: string;
}

const defaultInterval = 5000;
const defaultConcurrency = 4;
/** Milliseconds that each subject adds to the least time between two looks at all of them. */
const perSubject = 10;

export interface RunsDeps {
  log: Log;
  /** Told of each run that has ended. */
  onRun?: (name: string, outcome: 'done' | 'more' | 'failed') => void;
}

/** Runs of one job wait in line for a place; a run that has more to do goes to the end of the line. */
export function createRuns({ log, onRun = () => undefined }: RunsDeps): Runs {
  const lines = new Map<string, Line>();
  const stopping = new AbortController();
  const { signal } = stopping;
  let names: readonly string[] = [];

  function run(name: string, subject: string): Promise<void> {
    const line = lines.get(name);
    if (!line || signal.aborted || !names.includes(name)) return Promise.resolve();
    const known = line.runs.get(subject);
    if (known) {
      known.again = true;
      return known.ended;
    }
    const entry = { again: false, ended: Promise.resolve() };
    line.runs.set(subject, entry);
    entry.ended = untilDone(line, subject, entry);
    return entry.ended;
  }

  async function untilDone(line: Line, subject: string, entry: { again: boolean }): Promise<void> {
    do {
      await place(line);
      entry.again = false;
      try {
        if (!signal.aborted) {
          const outcome = await line.job.run(subject, signal);
          if (outcome === 'more') entry.again = true;
          onRun(line.job.name, outcome);
        }
        line.lastReason = undefined;
      } catch (error) {
        onRun(line.job.name, 'failed');
        complain(line, error);
      } finally {
        leave(line);
      }
    } while (entry.again && !signal.aborted);
    line.runs.delete(subject);
  }

  function place(line: Line): Promise<void> {
    if (line.free === 0) return new Promise((resolve) => line.waiting.push(resolve));
    line.free--;
    return Promise.resolve();
  }

  /** Hands the place to whoever has waited longest. */
  function leave(line: Line): void {
    const next = line.waiting.shift();
    if (next) next();
    else line.free++;
  }

  function complain(line: Line, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    if (signal.aborted || reason === line.lastReason) return;
    line.lastReason = reason;
    log.warn({ job: line.job.name, err: error }, 'A job failed; it is tried again');
  }

  async function sweep(line: Line): Promise<void> {
    let subjects: string[] = [];
    try {
      subjects = await line.job.subjects();
      for (const subject of subjects) if (!line.runs.has(subject)) void run(line.job.name, subject);
    } catch (error) {
      complain(line, error);
    }
    if (signal.aborted) return;
    const interval = Math.max(line.job.interval ?? defaultInterval, subjects.length * perSubject);
    // Several processes keep out of each other's way.
    line.timer = setTimeout(() => void sweep(line), interval * (0.75 + Math.random() / 2)).unref();
  }

  return {
    define: (job) => lines.set(job.name, { job, runs: new Map(), free: job.concurrency ?? defaultConcurrency, waiting: [] }),
    run,
    start: (only = [...lines.keys()]) => {
      if (names.length > 0 || signal.aborted) return;
      names = only.filter((name) => lines.has(name));
      for (const name of names) void sweep(lines.get(name)!);
    },
    close: async () => {
      stopping.abort();
      for (const { timer } of lines.values()) clearTimeout(timer);
      await Promise.all([...lines.values()].flatMap(({ runs }) => [...runs.values()].map(({ ended }) => ended)));
    },
  };
}
