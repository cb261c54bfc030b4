import { createHistogram } from 'node:perf_hooks';
import autocannon from 'autocannon';
import type { Sample, Target } from './scenario.js';

/** One HTTP request of a load. */
export interface LoadRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'HEAD';
  /** Path and query under the target's URL, such as `/statements?limit=100`; already encoded. */
  path: string;
  /** Beside Authorization, X-Experience-API-Version and Content-Length, which are added. */
  headers?: Record<string, string>;
  body?: Buffer;
}

/**
 * Whether an answer is right: its status, or a function of the status, the body as text and the request that it answers.
 * The function takes time of the load tool, so it should look at little.
 */
export type Expectation = number | ((status: number, body: string, request: LoadRequest) => boolean);

/** What is put on a target. */
export interface LoadOptions {
  target: Target;
  /** Connections that are kept open; each has one request under way. */
  connections: number;
  /** Seconds in which requests are begun; those under way then are waited for. */
  seconds: number;
  /** Makes the next request; called once for each. */
  request: () => LoadRequest;
  expect: Expectation;
  /** Units that a request counts for: the statements in it. 1 when not given. */
  statementsPerRequest?: number;
  /**
   * Requests a second over all connections, evenly spaced; as many as are answered when not given. Latency then counts from
   * when a request was due, so that a server that stands still shows in it.
   */
  requestsPerSecond?: number;
  /** Seconds after which an answer counts as lost, and as one that took so long; 30 when not given. */
  timeout?: number;
}

/** What a load gave, with more than a sample tells. */
export interface LoadSample extends Sample {
  p50: number;
  p99: number;
  /** Slowest answer in milliseconds. */
  max: number;
  /** Requests answered rightly. */
  answered: number;
  /** Seconds from the first request to the last answer. */
  seconds: number;
  /** A wrong answer in words, for whoever looks for the reason. */
  fault?: string;
}

/** What autocannon's clients have beside what its types tell; autocannon itself is pinned by the lock file. */
interface LoadClient extends autocannon.Client {
  opts: { verifyBody?: (body: string) => boolean };
  reqsMade: number;
  /** Ends by itself when it has made so many. */
  responseMax?: number;
  getRequestBuffer(): Buffer;
  _doRequest(): void;
}

/**
 * Puts load on a target by autocannon, in this process. Each request is built by us as bytes, since autocannon's way of
 * changing a request costs more than sending it. When the time is over, no request is begun and each under way is waited for, so
 * that a rate is that of whole answers also where one takes a good part of the time.
 */
export async function load(options: LoadOptions): Promise<LoadSample> {
  const { target, connections, seconds, expect, statementsPerRequest = 1, requestsPerSecond, timeout = 30 } = options;
  const url = new URL(target.url);
  const fixed = `Host: ${url.host}\r\nConnection: keep-alive\r\nAuthorization: ${target.authorization}\r\nX-Experience-API-Version: ${target.version}\r\n`;
  const base = url.pathname.replace(/\/$/, '');
  const isRight = typeof expect === 'number' ? (status: number) => status === expect : expect;
  const latencies = createHistogram();
  const clients: LoadClient[] = [];
  const waiting = new Map<NodeJS.Timeout, () => void>();
  const pace = requestsPerSecond === undefined ? undefined : createPace(requestsPerSecond);
  let sent = 0;
  let answered = 0;
  let wrong = 0;
  let fault: string | undefined;
  let over = false;
  let lastAnswer = 0;

  function setUp(made: autocannon.Client): void {
    const client = made as LoadClient;
    clients.push(client);
    let request: LoadRequest | undefined;
    let answeredRequest: LoadRequest | undefined;
    let status = 0;
    let lateness = 0;
    client.getRequestBuffer = () => {
      request = options.request();
      sent++;
      return requestBytes(request, base, fixed);
    };
    client.on('response', (code, _bytes, milliseconds) => {
      status = code;
      answeredRequest = request;
      lastAnswer = performance.now();
      latencies.record(Math.max(1, Math.round((milliseconds + lateness) * 1000)));
    });
    client.opts.verifyBody = (body) => {
      const right = isRight(status, body, answeredRequest!);
      if (right) answered++;
      else {
        wrong++;
        fault ??= `${answeredRequest!.method} ${answeredRequest!.path.slice(0, 200)} was answered ${status}: ${body.slice(0, 300)}`;
      }
      return right;
    };
    if (!pace) return;
    const begin = client._doRequest.bind(client);
    client._doRequest = () => {
      const due = pace.next();
      const beginLate = (): void => {
        lateness = Math.max(0, performance.now() - due);
        begin();
      };
      const wait = due - performance.now();
      if (wait <= 0 || over) return beginLate();
      const timer = setTimeout(() => {
        waiting.delete(timer);
        beginLate();
      }, wait);
      waiting.set(timer, beginLate);
    };
  }

  /** No client begins a request from here on: those that have one under way end with its answer, those that wait end at once. */
  function end(): void {
    over = true;
    for (const client of clients) client.responseMax = Math.max(1, client.reqsMade);
    for (const [timer, begin] of waiting) {
      clearTimeout(timer);
      begin();
    }
  }

  const began = performance.now();
  await new Promise<void>((resolve, reject) => {
    const run = autocannon({
      url: url.origin, connections, duration: seconds + 2 * timeout, timeout, sampleInt: 20, setupClient: setUp, skipAggregateResult: true,
    }, (error: unknown) => {
      clearTimeout(ending);
      if (error) reject(error as Error);
      else resolve();
    });
    run.on('reqError', (error: Error) => {
      wrong++;
      // As long as anybody waited for it.
      latencies.record(timeout * 1e6);
      fault ??= error.message;
    });
    const ending = setTimeout(end, seconds * 1000);
  });
  const lost = Math.max(0, sent - answered - wrong);
  if (lost > 0) fault ??= `${lost} requests were not answered`;
  const elapsed = Math.max(seconds, (lastAnswer - began) / 1000);
  return {
    rate: (answered * statementsPerRequest) / elapsed, wrong: wrong + lost, answered, seconds: elapsed, fault,
    p50: latencies.percentile(50) / 1000, p99: latencies.percentile(99) / 1000, max: latencies.max / 1000,
  };
}

function requestBytes({ method, path, headers, body }: LoadRequest, base: string, fixed: string): Buffer {
  let head = `${method} ${base}${path} HTTP/1.1\r\n${fixed}`;
  for (const name in headers) head += `${name}: ${headers[name]}\r\n`;
  if (!body) return Buffer.from(`${head}\r\n`, 'latin1');
  head += `Content-Length: ${body.length}\r\n\r\n`;
  const bytes = Buffer.allocUnsafe(head.length + body.length);
  bytes.write(head, 0, 'latin1');
  body.copy(bytes, head.length);
  return bytes;
}

/** When requests are due, evenly spaced from the first one on. */
function createPace(perSecond: number): { next(): number } {
  let due: number | undefined;
  return {
    next: () => {
      due = due === undefined ? performance.now() : due + 1000 / perSecond;
      return due;
    },
  };
}
