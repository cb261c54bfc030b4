import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What a command of `quipu` came to. */
export interface CommandResult {
  /** Exit status, or the signal that ended it. */
  status: number | NodeJS.Signals;
  stdout: string;
  stderr: string;
}

export interface CommandOptions {
  /** Settings beside the data folder. */
  env?: Record<string, string>;
  input?: string | Buffer;
}

const entry = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

/** Starts `quipu` with these words on a data folder. */
export function startCommand(dataDir: string, words: string[], { env = {}, input }: CommandOptions = {}): { child: ChildProcess; result: Promise<CommandResult> } {
  const child = spawn(process.execPath, [entry, ...words], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: dataDir, QUIPU_PORT: '0', QUIPU_LOG_LEVEL: 'error', QUIPU_DATA_DIR: dataDir, ...env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => { stdout += text; });
  child.stderr.setEncoding('utf8').on('data', (text: string) => { stderr += text; });
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const result = new Promise<CommandResult>((resolve) => child.once('close', (code, signal) => resolve({ status: code ?? signal!, stdout, stderr })));
  return { child, result };
}

/** Runs `quipu` with these words on a data folder. */
export function runCommand(dataDir: string, words: string[], options?: CommandOptions): Promise<CommandResult> {
  return startCommand(dataDir, words, options).result;
}
