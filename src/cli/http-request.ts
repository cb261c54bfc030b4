import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Where a request goes: a URL, or a path behind a Unix socket. */
export type Destination = { url: URL } | { socketPath: string; path: string };

export interface OutgoingRequest {
  method: string;
  headers?: OutgoingHttpHeaders;
  body?: Buffer | Readable;
}

/** Milliseconds without a byte after which a connection is given up. */
const patience = 120_000;

/**
 * Sends a request.
 * @returns the answer, its body to be read; reading fails when the connection breaks off
 * @throws Error of the network
 */
export async function sendRequest(destination: Destination, { method, headers, body }: OutgoingRequest): Promise<IncomingMessage> {
  const request = 'url' in destination
    ? (destination.url.protocol === 'https:' ? httpsRequest : httpRequest)(destination.url, { method, headers })
    : httpRequest({ socketPath: destination.socketPath, path: destination.path, method, headers });
  request.setTimeout(patience, () => request.destroy(new Error('the other side is silent')));
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve);
    request.once('error', reject);
  });
  if (body === undefined || Buffer.isBuffer(body)) request.end(body);
  // An answer may come before all of the body was read; what becomes of the rest is then of no interest.
  else pipeline(body, request).catch((error: Error) => request.destroy(error));
  return answered;
}

/** Reads the body of an answer. @param mostBytes longest that is held */
export async function readBody(answer: IncomingMessage, mostBytes = 64 << 20): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of answer as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > mostBytes) {
      answer.destroy();
      throw new Error(`the answer is longer than ${mostBytes} bytes`);
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** Value of an Authorization header with the scheme Basic. */
export function basicAuthorization(key: string, secret: string): string {
  return `Basic ${Buffer.from(`${key}:${secret}`).toString('base64')}`;
}
