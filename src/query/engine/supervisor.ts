import { fork, type ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { mkdirSync } from 'node:fs';
import { request } from 'node:http';
import { fileURLToPath } from 'node:url';
import type { ChildMessage, ChildOptions } from './child.js';

/** What the supervisor writes to the log. */
export interface SupervisorLog {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
}

export interface SupervisorOptions extends ChildOptions {
  log: SupervisorLog;
  /** Resident memory in bytes above which the process is ended and started again. */
  maxResidentBytes: number;
  /** Milliseconds between two looks at the process. */
  interval?: number;
  /** Milliseconds without an answer after which it counts as hung. */
  patience?: number;
  /** Milliseconds before the first restart; doubled with each that follows soon. */
  backOff?: number;
}

/** How the process of the embedded engine is. */
export type EngineState =
  | { status: 'starting' | 'running' | 'stopped' }
  /** The package chdb is not installed: nothing is tried again. */
  | { status: 'missing' }
  /** It ended and is started again after a while. */
  | { status: 'failed'; reason: string };

/** Keeps one process of the embedded engine alive. */
export interface Supervisor {
  state(): EngineState;
  /** Process id, while there is a process. */
  pid(): number | undefined;
  /** How often a process was started. */
  starts(): number;
  /** Begins; returns at once. */
  start(): void;
  /** Waits until the engine answers, gives up or is missing. @returns whether it answers */
  settled(): Promise<boolean>;
  /** Ends the process and waits until it is gone. */
  close(): Promise<void>;
}

const entry = fileURLToPath(new URL('./child.js', import.meta.url));
const longestBackOff = 30_000;
/** A process that has run this long begins anew with the back-off. */
const steady = 60_000;
/** Share of what statements may take together that may be taken while no statement has it, and looks in a row that find more. */
const MOST_UNOWNED = 0.75;
const UNOWNED_LOOKS = 3;
/** Bytes that the engine counts as taken, but for those of statements and merges at work. */
const UNOWNED = `SELECT (SELECT value FROM system.metrics WHERE metric = 'MemoryTracking')
  - (SELECT sum(memory_usage) FROM system.processes) - (SELECT sum(memory_usage) FROM system.merges)`;

/**
 * Starts the engine in a process of its own, with an environment that holds nothing of Quipu's, looks at it again and
 * again, and starts it anew when it has ended, hangs or takes too much memory, or has taken so much for good that statements
 * are refused: it keeps a table of every time zone that was ever named. The process ends when this one does.
 */
export function createSupervisor({ log, maxResidentBytes, interval = 2000, patience = 30_000, backOff = 500, ...options }: SupervisorOptions): Supervisor {
  let state: EngineState = { status: 'stopped' };
  let child: ChildProcess | undefined;
  let ended: Promise<void> = Promise.resolve();
  let restart: NodeJS.Timeout | undefined;
  let pause = backOff;
  let starts = 0;
  let closed = false;
  const waiting = new Set<() => void>();

  function become(next: EngineState): void {
    state = next;
    if (next.status === 'starting') return;
    for (const wake of waiting) wake();
    waiting.clear();
  }

  function start(): void {
    if (closed || child) return;
    become({ status: 'starting' });
    starts++;
    try {
      watchOver(makeProcess());
    } catch (error) {
      again((error as Error).message, '', 0);
    }
  }

  /** @throws Error where the system gives no process */
  function makeProcess(): ChildProcess {
    mkdirSync(options.path, { recursive: true, mode: 0o700 });
    return fork(entry, [JSON.stringify(options)], {
      cwd: options.path, execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { TZ: 'UTC', UV_THREADPOOL_SIZE: String(options.maxStatements + 8) },
    });
  }

  function watchOver(made: ChildProcess): void {
    const started = Date.now();
    child = made;
    let reason: string | undefined;
    let written = '';
    let watch: NodeJS.Timeout | undefined;
    const look = createLook(made);
    // There is none where the process could not be made.
    made.stderr?.setEncoding('utf8').on('data', (text: string) => { written = (written + text).slice(-2000); });
    made.on('error', (error) => { reason ??= error.message; });
    made.on('message', (message: ChildMessage) => {
      if (message.status === 'failed') {
        reason = message.reason;
        if (message.missing) become({ status: 'missing' });
        return;
      }
      log.info({ pid: made.pid, version: message.version }, 'The analytics engine runs');
      become({ status: 'running' });
      watch = setInterval(() => void look().then((fault) => {
        if (fault === undefined || reason !== undefined || child !== made) return;
        reason = fault;
        made.kill('SIGKILL');
      }), interval);
      watch.unref();
    });
    ended = new Promise((resolve) => made.once(made.pid === undefined ? 'error' : 'close', (code, signal) => {
      clearInterval(watch);
      child = undefined;
      if (closed) become({ status: 'stopped' });
      else if (state.status === 'missing') log.info({}, 'Analytics is off: the package chdb is not installed');
      else again(reason ?? `it ended with ${signal ?? `exit code ${code}`}`, written, Date.now() - started);
      resolve();
    }));
  }

  function again(reason: string, written: string, ran: number): void {
    if (ran > steady) pause = backOff;
    log.warn({ reason, written: written.trim() || undefined, again: pause }, 'The analytics engine ended; it is started again');
    become({ status: 'failed', reason });
    restart = setTimeout(start, pause);
    restart.unref();
    pause = Math.min(pause * 2, longestBackOff);
  }

  /** A look at a process, which says what is wrong. */
  function createLook({ pid }: ChildProcess): () => Promise<string | undefined> {
    let full = 0;
    let asking = false;
    return async () => {
      const resident = await residentBytes(pid!);
      if (resident !== undefined && resident > maxResidentBytes) return `it took ${mebibytes(resident)} MiB of memory`;
      if (asking) return undefined;
      asking = true;
      const answer = await ask(options.socketPath, UNOWNED, patience).finally(() => { asking = false; });
      if (answer === undefined) return `it did not answer within ${patience / 1000} s`;
      const unowned = Number(answer);
      full = unowned > options.memoryBytes * MOST_UNOWNED ? full + 1 : 0;
      return full < UNOWNED_LOOKS ? undefined : `${mebibytes(unowned)} MiB of its memory belong to no statement`;
    };
  }

  return {
    state: () => state,
    pid: () => child?.pid,
    starts: () => starts,
    start,
    settled: async () => {
      if (state.status === 'starting') await new Promise<void>((resolve) => waiting.add(resolve));
      return state.status === 'running';
    },
    close: async () => {
      closed = true;
      clearTimeout(restart);
      child?.kill('SIGKILL');
      await ended;
      become({ status: 'stopped' });
    },
  };
}

/** Resident memory of a process; undefined where the system does not say. */
async function residentBytes(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

const mebibytes = (bytes: number): number => Math.round(bytes / (1 << 20));

/** What the engine answers to a statement, be it an error; undefined when it does not within a time. */
function ask(socketPath: string, sql: string, patience: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const sent = request({ socketPath, path: `/?query=${encodeURIComponent(sql)}`, agent: false }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (piece: string) => { text += piece; });
      answer.once('error', () => undefined).once('close', () => resolve(text));
    });
    sent.setTimeout(patience, () => sent.destroy(new Error('late')));
    sent.once('error', () => resolve(undefined));
    sent.end();
  });
}
