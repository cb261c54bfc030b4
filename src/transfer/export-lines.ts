import { onOneLine } from '../xapi/one-line.js';
import type { AttachmentStore } from '../statements/attachment-store.js';
import type { Cursor, StatementStore } from '../statements/store.js';
import type { Attachment, Statement, SubStatement } from '../xapi/types.js';
import { PIECE_BYTES, writeAttachmentLine } from './attachment-line.js';

/** The stores that an export reads. */
export interface ExportStores {
  statements: StatementStore;
  attachments: AttachmentStore;
}

/** Which statements: by `stored`, in milliseconds since the epoch, as `since` and `until` of the standard. */
export interface ExportRange {
  since?: number;
  until?: number;
}

const pageStatements = 500;
const pageBytes = 1 << 20;
/** Bytes from which on a text is given by itself. */
const longText = 64 << 10;
/** Above this many remembered hashes the memory is cleared, and an attachment may come twice. */
const rememberedHashes = 50_000;

/**
 * All statements of a tenant as NDJSON, oldest first, voided ones among them, as the format `exact` gives them. The bytes of an
 * attachment stand before the first statement that names it. What is stored after the beginning is left out.
 * Memory: one page of about 1 MB and the hashes given so far, at most 50,000.
 */
export async function* exportLines(stores: ExportStores, tenant: string, range: ExportRange): AsyncGenerator<Buffer> {
  const given = new Set<string>();
  await stores.statements.settled(tenant);
  for (let cursor: Cursor | undefined; ;) {
    const page = await stores.statements.find(tenant, {
      filters: [], ...range, ascending: true, limit: pageStatements, maxBytes: pageBytes, cursor, includeVoided: true,
    });
    let lines: Buffer[] = [];
    for (const { text } of page.statements) {
      for (const attachment of attachmentsIn(text)) {
        const sha2 = attachment.sha2.toLowerCase();
        if (given.has(sha2)) continue;
        if (given.size >= rememberedHashes) given.clear();
        given.add(sha2);
        if (lines.length > 0) yield Buffer.concat(lines);
        lines = [];
        yield* attachmentLines(stores.attachments, tenant, sha2, attachment.contentType);
      }
      if (text.length < longText) {
        lines.push(onOneLine(text), lineEnd);
        continue;
      }
      // As it is: together with others it would be a copy of its own.
      if (lines.length > 0) yield Buffer.concat(lines);
      lines = [];
      yield onOneLine(text);
      yield lineEnd;
    }
    if (lines.length > 0) yield Buffer.concat(lines);
    cursor = page.next;
    if (!cursor) return;
  }
}

const lineEnd = Buffer.from('\n');

async function* attachmentLines(store: AttachmentStore, tenant: string, sha2: string, contentType: string): AsyncGenerator<Buffer> {
  const found = await store.open(tenant, sha2);
  if (!found) return;
  const { length } = found;
  let held: Buffer[] = [];
  let size = 0;
  let offset = 0;
  for await (const chunk of found.stream as AsyncIterable<Buffer>) {
    held.push(chunk);
    size += chunk.length;
    while (size > PIECE_BYTES) {
      const bytes = Buffer.concat(held);
      yield writeAttachmentLine({ sha2, contentType, offset, length, last: false, bytes: bytes.subarray(0, PIECE_BYTES) });
      held = [bytes.subarray(PIECE_BYTES)];
      size -= PIECE_BYTES;
      offset += PIECE_BYTES;
    }
  }
  yield writeAttachmentLine({ sha2, contentType, offset, length, last: true, bytes: Buffer.concat(held) });
}

/** The attachments of a statement and of its SubStatement. Most statements have none and are not parsed. */
function attachmentsIn(text: Buffer): Attachment[] {
  if (!text.includes('sha2') && !text.includes('\\u')) return [];
  const statement = JSON.parse(text.toString('utf8')) as Statement;
  const inner = statement.object.objectType === 'SubStatement' ? (statement.object as SubStatement).attachments ?? [] : [];
  return [...(statement.attachments ?? []), ...inner];
}
