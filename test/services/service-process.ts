import { spawn, type ChildProcess } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';

/** A server of another program that runs for a test. */
export interface ServiceProcess {
  readonly pid: number;
  /** What it has written so far, both streams. */
  log(): string;
  /** Stops its work without ending it, as a machine that no longer answers does. */
  pause(): void;
  resume(): void;
  /** kill -9 */
  kill(): Promise<void>;
  /** SIGTERM, and after five seconds kill -9. */
  stop(): Promise<void>;
}

/**
 * Starts a program that ends with this process at the latest, also when this one is killed.
 * @param ready tells from what it has written, or by asking it, that it can be used
 * @throws Error with what it wrote when it ends before that, or is not ready within 30 seconds
 */
export async function startService(command: string, words: readonly string[], ready: (log: string) => boolean | Promise<boolean>): Promise<ServiceProcess> {
  const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  let written = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => { written = (written + text).slice(-20_000); });
  let over = false;
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => { written += error.message; });
    child.once('close', () => {
      over = true;
      resolve();
    });
  });
  const guard = child.pid === undefined ? undefined : guardOf(child.pid);
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
    guard?.kill('SIGKILL');
  };
  for (const start = Date.now(); !(await ready(written));) {
    if (over) {
      guard?.kill('SIGKILL');
      throw new Error(`${command} ended before it could be used: ${written}`);
    }
    if (Date.now() - start > 30_000) {
      await kill();
      throw new Error(`${command} could not be used within 30 seconds: ${written}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    pid: child.pid!,
    log: () => written,
    pause: () => { child.kill('SIGSTOP'); },
    resume: () => { child.kill('SIGCONT'); },
    kill,
    stop: async () => {
      child.kill('SIGCONT');
      child.kill('SIGTERM');
      const impatience = setTimeout(() => child.kill('SIGKILL'), 5000);
      await ended;
      clearTimeout(impatience);
      guard?.kill('SIGKILL');
    },
  };
}

/** Ends the service when its own standard input does, which the system closes with this process. */
function guardOf(pid: number): ChildProcess {
  const guard = spawn('sh', ['-c', `cat >/dev/null; kill -9 ${pid}`], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  guard.stdin!.on('error', () => undefined);
  (guard.stdin as unknown as { unref(): void }).unref();
  guard.unref();
  return guard;
}

/** A port of this machine on which nothing listens at the moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
