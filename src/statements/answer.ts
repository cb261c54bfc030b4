import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { attachmentsOf } from '../xapi/attachments.js';
import type { Statement } from '../xapi/types.js';
import { createCanonicalFormat, idsOf, toIdsFormat } from '../xapi/statement-formats.js';
import { placesIn, type PlacedText } from '../xapi/statement-places.js';
import type { AttachmentStore } from './attachment-store.js';
import type { CanonicalStore, StoredStatement } from './store.js';

/** The `format` of a GET. */
export type StatementFormat = 'exact' | 'ids' | 'canonical';

/** Texts of statements in the format asked for; `exact` gives the stored bytes as they are. */
export async function formatStatements(
  statements: readonly StoredStatement[], format: StatementFormat, tenant: string, canonical: CanonicalStore, acceptLanguage: string | undefined,
): Promise<Buffer[]> {
  if (format === 'exact') return statements.map(({ text }) => text);
  const placed = statements.map(({ text }) => placesIn(text.toString('utf8')));
  const formatted = placed.map(format === 'ids' ? toIdsFormat : await canonicalFormat(placed, tenant, canonical, acceptLanguage));
  return formatted.map((text) => Buffer.from(text, 'utf8'));
}

/** The format `canonical` for these statements. */
async function canonicalFormat(statements: readonly PlacedText[], tenant: string, canonical: CanonicalStore, acceptLanguage: string | undefined): Promise<(statement: PlacedText) => string> {
  const { activities, verbs } = idsOf(statements);
  const [definitions, displays] = await Promise.all([canonical.definitions(tenant, activities), canonical.displays(tenant, verbs)]);
  const definitionOf = new Map(activities.map((id, at) => [id, definitions[at]]));
  const displayOf = new Map(verbs.map((id, at) => [id, displays[at]]));
  return createCanonicalFormat({ definition: (id) => definitionOf.get(id), display: (id) => displayOf.get(id) }, acceptLanguage);
}

/** A StatementResult (1.0.3 Part Two 2.5) from the texts of its statements. */
export function statementResult(texts: readonly Buffer[], more: string): Buffer {
  const pieces: Buffer[] = [Buffer.from('{"statements":[')];
  texts.forEach((text, at) => {
    if (at > 0) pieces.push(comma);
    pieces.push(text);
  });
  pieces.push(Buffer.from(`],"more":${JSON.stringify(more)}}`));
  return Buffer.concat(pieces);
}

const comma = Buffer.from(',');

/**
 * A multipart/mixed answer (1.0.3 Part Three 1.5.2): the JSON, then each attachment whose bytes are here, once. `heldBytes` of the
 * body is what it holds in memory until it is read.
 */
export function multipartAnswer(json: Buffer, statements: readonly StoredStatement[], tenant: string, store: AttachmentStore): { contentType: string; body: Readable & { heldBytes: number } } {
  const boundary = `quipu-${randomBytes(18).toString('hex')}`;
  const types = new Map<string, string>();
  for (const { text } of statements) {
    // A key may be written with escapes.
    if (!text.includes('"attachments"') && !text.includes('\\u')) continue;
    for (const { attachment, sha2 } of attachmentsOf(JSON.parse(text.toString('utf8')) as Statement)) types.set(sha2, headerValue(attachment.contentType));
  }
  async function* parts(): AsyncGenerator<Buffer> {
    yield Buffer.concat([Buffer.from(`--${boundary}\r\nContent-Type: application/json\r\n\r\n`), json]);
    for (const [sha2, contentType] of types) {
      const found = await store.open(tenant, sha2);
      if (!found) continue;
      yield Buffer.from(`\r\n--${boundary}\r\nContent-Type: ${contentType}\r\nContent-Transfer-Encoding: binary\r\nX-Experience-API-Hash: ${sha2}\r\n\r\n`);
      for await (const chunk of found.stream) yield chunk as Buffer;
    }
    yield Buffer.from(`\r\n--${boundary}--\r\n`);
  }
  return { contentType: `multipart/mixed; boundary=${boundary}`, body: Object.assign(Readable.from(parts(), { objectMode: false }), { heldBytes: json.length }) };
}

/** A statement's content type is a stranger's text; only what can't break out of a header is written into one. */
function headerValue(contentType: string): string {
  return /^[\x20-\x7e]{1,255}$/.test(contentType) ? contentType : 'application/octet-stream';
}
