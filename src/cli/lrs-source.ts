import type { IncomingMessage } from 'node:http';
import { scanJson } from '../xapi/json-scan.js';
import { voidedVerb } from '../xapi/statement-rules.js';
import type { Attachment } from '../xapi/types.js';
import { reasonOf } from './client.js';
import { CommandError } from './command-error.js';
import { basicAuthorization, readBody, sendRequest } from './http-request.js';
import { readLrsPage, type LrsPage } from './lrs-page.js';
import type { ImportSource, ResumePoint, SourceItem } from './source-item.js';
import { prepareStatement } from './statement-line.js';
import { untilItWorks } from './retry.js';

/** Another LRS. */
export interface LrsAddress {
  /** Its endpoint or its statements resource; parameters such as `since` are kept. */
  url: string;
  key?: string;
  secret?: string;
  /** What X-Experience-API-Version says. */
  version: string;
}

const pageSize = 200;
/** What an LRS answers that does not have, or does not show, a voided statement. */
const refusals: ReadonlySet<number> = new Set([400, 403, 404]);
/** JSON is read without recursion, so this only bounds nonsense. */
const maxDepth = 10_000;

/** All statements of another LRS that its credential may read, oldest first, page by page, and before each that voids another the other one. @throws CommandError when the address is none */
export function openLrsSource(address: LrsAddress, resume?: ResumePoint): ImportSource {
  const first = firstPage(address.url);
  return { items: readPages(address, first, resume), position: () => 0 };
}

function firstPage(address: string): URL {
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    throw new CommandError(`${address} is not a URL.`);
  }
  url.pathname = url.pathname.replace(/\/+$/, '').replace(/(\/statements)?$/, '/statements');
  url.searchParams.set('ascending', 'true');
  url.searchParams.set('attachments', 'true');
  if (!url.searchParams.has('limit')) url.searchParams.set('limit', String(pageSize));
  return url;
}

async function* readPages(address: LrsAddress, first: URL, resume: ResumePoint | undefined): AsyncGenerator<SourceItem> {
  let number = resume?.number ?? 0;
  for (let url: URL | undefined = resume?.more === undefined ? first : new URL(resume.more); url;) {
    const page = await untilItWorks(() => fetchPage(address, url!));
    try {
      const { statements, more } = readResult(page.result);
      for (const text of statements) {
        const voided = voidedBy(text);
        if (voided !== undefined) yield* readVoided(address, first, voided, number);
        yield* readStatement(page, text, first.host, number++);
      }
      const next: URL | undefined = more === undefined ? undefined : nextPage(more, first);
      if (next?.href === url.href) throw new CommandError(`The other LRS answered a page whose "more" is its own address: ${next.href}`);
      if (next) yield { kind: 'position', resume: { number, more: next.href } };
      url = next;
    } finally {
      await page.discard();
    }
  }
}

async function* readStatement(page: LrsPage, text: string, source: string, index: number): AsyncGenerator<SourceItem> {
  const item = prepareStatement(Buffer.from(text), source, { index });
  if (item.kind === 'statement') {
    for (const sha2 of hashesIn(text)) {
      for await (const line of page.attachmentLines(sha2)) yield { kind: 'attachment', line };
    }
  }
  yield item;
}

/** A voided statement, which no list has, unless the other LRS does not give it. @param index of the statement that voids it */
async function* readVoided(address: LrsAddress, first: URL, id: string, index: number): AsyncGenerator<SourceItem> {
  const url = new URL(first.pathname, first.origin);
  url.searchParams.set('voidedStatementId', id);
  url.searchParams.set('attachments', 'true');
  const page = await untilItWorks(() => fetchPage(address, url)).catch((error: unknown) => {
    if (error instanceof LrsError && refusals.has(error.status)) return undefined;
    throw error;
  });
  try {
    if (page) yield* readStatement(page, page.result, first.host, index);
  } finally {
    await page?.discard();
  }
}

/** The id of the statement that this one voids. */
function voidedBy(text: string): string | undefined {
  const { verb, object } = JSON.parse(text) as { verb?: { id?: unknown }; object?: { objectType?: unknown; id?: unknown } };
  return verb?.id === voidedVerb && object?.objectType === 'StatementRef' && typeof object.id === 'string' ? object.id : undefined;
}

function hashesIn(text: string): string[] {
  if (!text.includes('sha2') && !text.includes('\\u')) return [];
  const { attachments, object } = JSON.parse(text) as { attachments?: unknown; object?: { attachments?: unknown } };
  const declared = [attachments, object?.attachments].flatMap((list) => (Array.isArray(list) ? list as Partial<Attachment>[] : []));
  return declared.flatMap((attachment) => (typeof attachment?.sha2 === 'string' ? [attachment.sha2.toLowerCase()] : []));
}

/** The statements of a StatementResult, each in the very text in which it came, and the link to the next page. */
function readResult(text: string): { statements: string[]; more?: string } {
  let more: unknown;
  try {
    ({ more } = JSON.parse(text) as { more?: unknown });
  } catch {
    throw new CommandError(`The other LRS did not answer with JSON, but: ${text.slice(0, 200)}`);
  }
  const [result] = scanJson(Buffer.from(text), { maxDepth, maxStatements: 1 }).items;
  const member = result?.members.find(({ key }) => key === 'statements');
  if (!result || !member) throw new CommandError(`The other LRS did not answer with a StatementResult, but: ${text.slice(0, 200)}`);
  const list = result.text.subarray(member.valueStart, member.end);
  const statements = scanJson(list, { maxDepth, maxStatements: Infinity }).items.map((item) => item.text.toString('utf8'));
  return typeof more === 'string' && more !== '' ? { statements, more } : { statements };
}

/** `more` is relative, or names the same server: the credential is sent nowhere else. */
function nextPage(more: string, first: URL): URL {
  const url = new URL(more, first);
  if (url.hostname !== first.hostname) throw new CommandError(`The other LRS refers to another server for the next page, ${url.host}; the credential was not sent there.`);
  // Behind a reverse proxy an LRS may not know the scheme or port it is reached by.
  return new URL(url.pathname + url.search, first.origin);
}

async function fetchPage({ key, secret, version }: LrsAddress, url: URL): Promise<LrsPage> {
  const headers = {
    'X-Experience-API-Version': version,
    Accept: 'application/json, multipart/mixed',
    ...(key === undefined ? {} : { Authorization: basicAuthorization(key, secret ?? '') }),
  };
  let answer: IncomingMessage;
  try {
    answer = await sendRequest({ url }, { method: 'GET', headers });
    if (answer.statusCode === 200) return await readLrsPage(answer);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new LrsError(`${url.host} does not answer: ${reasonOf(error)}.`, 0);
  }
  const told = (await readBody(answer, 1 << 20).catch(() => Buffer.alloc(0))).toString('utf8').slice(0, 300);
  throw new LrsError(`${url.origin}${url.pathname} answered ${answer.statusCode}${told ? `: ${told}` : '.'}`, answer.statusCode!, Number(answer.headers['retry-after']));
}

/** An answer of another LRS that isn't 200. */
class LrsError extends CommandError {
  constructor(message: string, readonly status: number, readonly retryAfter?: number) {
    super(message);
  }
}
