import { createHash, randomUUID } from 'node:crypto';
import type { Answer, RequestOptions, TestServer } from '../server.js';

/** A statement as a test writes it. */
export type Sample = Record<string, unknown> & { id: string };

export const VOIDED = 'http://adlnet.gov/expapi/verbs/voided';
export const ann = { objectType: 'Agent', mbox: 'mailto:ann@example.org' };
export const bob = { objectType: 'Agent', account: { homePage: 'https://example.org', name: 'bob' } };
export const did = { id: 'https://example.org/verbs/did' };
export const course = { objectType: 'Activity', id: 'https://example.org/course' };

/** A valid statement with an id of its own; `change` replaces or adds top-level properties. */
export function sample(change: Record<string, unknown> = {}): Sample {
  return { id: randomUUID(), actor: ann, verb: did, object: course, ...change } as Sample;
}

/** A reference to a statement, as its object. */
export function refTo({ id }: { id: string }): object {
  return { objectType: 'StatementRef', id };
}

/** A statement that voids another. */
export function voiding(target: { id: string }): Sample {
  return sample({ verb: { id: VOIDED }, object: refTo(target) });
}

/** Stores statements, in order. @throws Error when the server refuses them */
export async function post(server: TestServer, statements: unknown, options: RequestOptions = {}): Promise<Answer> {
  const answer = await server.request('statements', { method: 'POST', body: statements, ...options });
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
  return answer;
}

/** The StatementResult that a query answers. @throws Error when the server refuses it */
export async function list<T = Sample>(server: TestServer, query: Record<string, unknown> = {}, options: RequestOptions = {}): Promise<{ statements: T[]; more: string }> {
  const answer = await server.request('statements', { query, ...options });
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
  return answer.json();
}

/** Ids that a query answers, in the order of the answer. */
export async function listIds(server: TestServer, query: Record<string, unknown> = {}, options: RequestOptions = {}): Promise<string[]> {
  return (await list(server, query, options)).statements.map(({ id }) => id);
}

/** One statement by its id. */
export async function read<T = Sample & { stored: string; timestamp: string; version: string; authority: object }>(server: TestServer, id: string, options: RequestOptions = {}): Promise<T> {
  const answer = await server.request('statements', { query: { statementId: id }, ...options });
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
  return answer.json();
}

/** SHA-2 in hex. */
export function sha2(bytes: Buffer, algorithm = 'sha256'): string {
  return createHash(algorithm).update(bytes).digest('hex');
}

/** Header of an attachment with these bytes. */
export function attachmentOf(bytes: Buffer, change: Record<string, unknown> = {}): Record<string, unknown> {
  return { usageType: 'https://example.org/usage', display: { en: 'Attached' }, contentType: 'application/octet-stream', length: bytes.length, sha2: sha2(bytes), ...change };
}

/** A part of a multipart body: its headers and bytes. */
export interface Part {
  headers: Record<string, string>;
  bytes: Buffer;
}

/** The part that carries an attachment; a header that is undefined is left out. */
export function attachmentPart(bytes: Buffer, headers: Record<string, string | undefined> = {}): Part {
  const all = { 'Content-Type': 'application/octet-stream', 'Content-Transfer-Encoding': 'binary', 'X-Experience-API-Hash': sha2(bytes), ...headers };
  return { headers: Object.fromEntries(Object.entries(all).filter((header): header is [string, string] => header[1] !== undefined)), bytes };
}

/** A multipart/mixed request: the statements, then the other parts. */
export function multipart(statements: unknown, parts: Part[], boundary = 'a-boundary'): RequestOptions & { body: Buffer } {
  const all: Part[] = [{ headers: { 'Content-Type': 'application/json' }, bytes: Buffer.from(JSON.stringify(statements)) }, ...parts];
  const pieces = all.flatMap(({ headers, bytes }) => [
    Buffer.from(`--${boundary}\r\n${Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`), bytes, Buffer.from('\r\n'),
  ]);
  return { method: 'POST', headers: { 'Content-Type': `multipart/mixed; boundary=${boundary}` }, body: Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]) };
}

/** Takes a multipart/mixed answer apart, byte for byte. Header names come in lower case. */
export function partsOf({ headers, bytes }: Answer): Part[] {
  const boundary = /^multipart\/mixed; *boundary="?([^";]+)"?$/.exec(headers['content-type'] ?? '')?.[1];
  if (boundary === undefined) throw new Error(`No multipart/mixed with a boundary: ${headers['content-type']}`);
  const whole = Buffer.concat([Buffer.from('\r\n'), bytes]);
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  const parts: Part[] = [];
  let at = whole.indexOf(delimiter) + delimiter.length;
  while (whole.subarray(at, at + 2).toString() === '\r\n') {
    const end = whole.indexOf(delimiter, at);
    const split = whole.indexOf('\r\n\r\n', at);
    const lines = whole.subarray(at + 2, split).toString().split('\r\n');
    parts.push({
      headers: Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()])),
      bytes: whole.subarray(split + 4, end),
    });
    at = end + delimiter.length;
  }
  if (whole.subarray(at).toString() !== '--\r\n') throw new Error('The answer has no closing boundary');
  return parts;
}
