import { Agent, request } from 'node:http';
import type { LoadRequest } from './load.js';
import type { Target } from './scenario.js';

/** What a request got. */
export interface Answer {
  /** 0 when the connection was lost. */
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: Buffer;
  /** Milliseconds from the beginning of the request to the end of the answer. */
  milliseconds: number;
}

/** One client of a target, as a browser with one connection. */
export interface Client {
  send(request: LoadRequest): Promise<Answer>;
  close(): void;
}

/** Each client has a connection of its own, which it opens with its first request and keeps. */
export function createClient(target: Target): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const base = new URL(target.url);
  return {
    send: ({ method, path, headers, body }) => new Promise((resolve) => {
      const began = performance.now();
      const chunks: Buffer[] = [];
      const answered = (status: number, answer: Answer['headers']): void => resolve({ status, headers: answer, body: Buffer.concat(chunks), milliseconds: performance.now() - began });
      const lost = (): void => answered(0, {});
      const sent = request({
        agent, method, host: base.hostname, port: base.port, path: `${base.pathname.replace(/\/$/, '')}${path}`, timeout: 60_000,
        headers: { Authorization: target.authorization, 'X-Experience-API-Version': target.version, ...headers, ...(body ? { 'Content-Length': body.length } : {}) },
      }, (response) => {
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => answered(response.statusCode ?? 0, response.headers));
        response.on('error', lost);
      });
      sent.on('error', lost);
      sent.on('timeout', () => sent.destroy());
      sent.end(body);
    }),
    close: () => agent.destroy(),
  };
}

/** The value below which a share of the values lies; 0 when there are none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}
