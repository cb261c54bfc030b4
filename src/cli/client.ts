import { readdir, readFile } from 'node:fs/promises';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { loadConfig, type Config } from '../config.js';
import type { ServerFile } from '../main.js';
import { answers } from '../server/private-socket.js';
import { CommandError } from './command-error.js';
import { basicAuthorization, readBody, sendRequest, type Destination } from './http-request.js';

/** Options that every command takes which speaks to a server. */
export interface ConnectionOptions {
  dataDir?: string;
  /** A remote server. */
  url?: string;
  key?: string;
  secret?: string;
  tenant?: string;
  json?: boolean;
}

/** An answer of the server that isn't 2xx. */
export class RequestError extends CommandError {
  readonly status: number;
  /** Seconds after which to try again. */
  readonly retryAfter?: number;
  /** The answer's JSON. */
  readonly body?: object;

  constructor(message: string, status: number, retryAfter?: number, body?: object) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
    this.body = body;
  }
}

export interface ClientRequest {
  query?: Record<string, string | undefined>;
  headers?: OutgoingHttpHeaders;
  body?: Buffer | Readable;
}

/** A server that a command speaks to. */
export interface Client {
  /** Names the server in messages and checkpoints. */
  readonly target: string;
  /** @throws RequestError when the answer isn't 2xx, CommandError when there is none */
  send(method: string, path: string, request?: ClientRequest): Promise<IncomingMessage>;
  /** The same for JSON both ways. */
  json<T>(method: string, path: string, body?: object, query?: Record<string, string | undefined>): Promise<T>;
  /** Ends a server that was started for this command. */
  close(): Promise<void>;
}

/** The settings, with the data folder of the command line. */
export function configOf(options: ConnectionOptions, env: NodeJS.ProcessEnv = process.env): Config {
  return loadConfig(options.dataDir === undefined ? env : { ...env, QUIPU_DATA_DIR: options.dataDir });
}

/**
 * Finds the server: the remote one that `--url` names, else the one that runs on the data folder. When none runs, opens the
 * data folder itself for the time of the command.
 * @param mayCreate whether the command has a sense on a data folder that is missing or empty
 * @throws Error with a sentence for the operator
 */
export async function connect(options: ConnectionOptions, mayCreate = false): Promise<Client> {
  if (options.url !== undefined) return remote(options);
  const config = configOf(options);
  const running = await findServer(config.dataDir);
  if (running) {
    return createClient(config.dataDir, (path) => ({ socketPath: running.socket, path }), {}, () => Promise.resolve());
  }
  if (!mayCreate && config.mongodbUrl === undefined && !(await holdsData(config.dataDir))) {
    throw new CommandError(`There is no data in ${config.dataDir}. Start Quipu first (quipu serve), or name its data folder with --data-dir.`);
  }
  // Loaded where it is used alone: a command of a server that runs has no need of another.
  const { startQuipu } = await import('../main.js');
  const started = await startQuipu({ ...config, role: 'all', logLevel: quietest(config.logLevel) }, { network: false });
  if (started.firstCredential) {
    const { key, secret } = started.firstCredential;
    process.stderr.write(`${config.dataDir} is new. Its first key, shown this once: ${key}\nSecret: ${secret}\n`);
  }
  return createClient(config.dataDir, (path) => ({ socketPath: started.socketPath, path }), {}, () => started.close());
}

/** The server that runs on a data folder and answers on its socket. */
export async function findServer(dataDir: string): Promise<ServerFile | undefined> {
  let file: ServerFile;
  try {
    file = JSON.parse(await readFile(join(dataDir, 'server.json'), 'utf8')) as ServerFile;
  } catch {
    return undefined;
  }
  return typeof file.socket === 'string' && await answers(file.socket) ? file : undefined;
}

/** Whether there is anything in a data folder. @throws CommandError when this user may not look */
export async function holdsData(dataDir: string): Promise<boolean> {
  const names = await readdir(dataDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EACCES') throw new CommandError(`This user may not read ${dataDir}. Run the command as the user that runs Quipu.`);
    return [];
  });
  return names.some((name) => name !== 'lost+found' && name !== 'server.json');
}

/** A command that opens the data folder itself logs faults only. */
function quietest(level: string): string {
  return level === 'silent' || level === 'fatal' ? level : 'error';
}

function remote({ url, key, secret }: ConnectionOptions): Client {
  let base: URL;
  try {
    base = new URL(url!);
  } catch {
    throw new CommandError(`${url} is not a URL: --url takes one such as https://lrs.example.org.`);
  }
  if (!/^https?:$/.test(base.protocol)) throw new CommandError(`--url takes http or https, not ${base.protocol}`);
  if (key === undefined || secret === undefined) throw new CommandError('--url goes with --key and --secret (or QUIPU_CLI_KEY and QUIPU_CLI_SECRET).');
  const root = base.pathname.replace(/\/+$/, '').replace(/\/(xapi|v1)(\/statements)?$/i, '');
  const destination = (path: string): Destination => ({ url: new URL(root + path, base.origin) });
  return createClient(base.origin + root, destination, { authorization: basicAuthorization(key, secret) }, () => Promise.resolve());
}

function createClient(target: string, destination: (path: string) => Destination, own: OutgoingHttpHeaders, close: () => Promise<void>): Client {
  async function send(method: string, path: string, { query = {}, headers, body }: ClientRequest = {}): Promise<IncomingMessage> {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, value);
    const search = parameters.size === 0 ? '' : `?${parameters.toString()}`;
    let answer: IncomingMessage;
    try {
      answer = await sendRequest(destination(path + search), { method, headers: { ...own, ...headers }, body });
    } catch (error) {
      throw new RequestError(`${target} does not answer: ${reasonOf(error)}.`, 0);
    }
    if (answer.statusCode! >= 200 && answer.statusCode! < 300) return answer;
    throw await refusal(answer, target);
  }

  return {
    target,
    send,
    json: async <T>(method: string, path: string, body?: object, query?: Record<string, string | undefined>) => {
      const payload = body && Buffer.from(JSON.stringify(body));
      const headers = payload ? { 'content-type': 'application/json', 'content-length': payload.length } : {};
      const answer = await send(method, path, { query, headers, body: payload });
      return JSON.parse((await readBody(answer)).toString('utf8')) as T;
    },
    close,
  };
}

/** What went wrong, for a sentence. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return message || code || String(error);
}

async function refusal(answer: IncomingMessage, target: string): Promise<RequestError> {
  const body = (await readBody(answer, 4 << 20).catch(() => Buffer.alloc(0))).toString('utf8');
  let problem: { message?: unknown } | undefined;
  try {
    problem = JSON.parse(body) as typeof problem;
  } catch {
    problem = undefined;
  }
  const message = problem?.message;
  const retryAfter = Number(answer.headers['retry-after']);
  const told = typeof message === 'string' ? message : `${target} answered ${answer.statusCode}${body ? `: ${body.slice(0, 300)}` : '.'}`;
  return new RequestError(told, answer.statusCode!, Number.isFinite(retryAfter) ? retryAfter : undefined, problem ?? undefined);
}
