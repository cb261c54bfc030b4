import { isUtf8 } from 'node:buffer';
import type { Document } from '../documents/store.js';
import type { Cursor } from '../statements/store.js';
import { attachmentsOf } from '../xapi/attachments.js';
import { onOneLine } from '../xapi/one-line.js';
import type { Actor, Statement } from '../xapi/types.js';
import type { PersonStores } from './erasure-walk.js';
import { createPerson, names } from './person.js';

/** Gives out what a tenant holds of one person. */
export interface ExportService {
  /**
   * NDJSON, one line a thing, each an object with `kind`: `statement` (with `voided` and the statement as it is stored),
   * `attachment` (after the first statement that names it; `content` in base64), `document` (`content` as text, or
   * `contentBase64` when it is none), what features keep in records of their own (`cmi5-registration`, `cmi5-session`, `cmi5-finding`),
   * and as the last line `end` with the counts: without it the export is not complete.
   * Statements by others that name the person are among them. Memory: one page of statements and a hash for each attachment.
   * @param agent a valid Agent
   */
  export(tenant: string, agent: Actor): AsyncGenerator<string>;
}

const pageStatements = 100;
const pageBytes = 4 << 20;

/** @param stores what is read */
export function createExportService(stores: Pick<PersonStores, 'statements' | 'documents' | 'attachments' | 'featureRecords'>): ExportService {
  async function* attachment(tenant: string, sha2: string): AsyncGenerator<string> {
    const found = await stores.attachments.open(tenant, sha2);
    if (!found) return;
    yield `{"kind":"attachment","sha2":${JSON.stringify(sha2)},"length":${found.length},"content":"`;
    let rest = Buffer.alloc(0);
    for await (const chunk of found.stream as AsyncIterable<Buffer>) {
      const bytes = Buffer.concat([rest, chunk]);
      const whole = bytes.length - (bytes.length % 3);
      yield bytes.toString('base64', 0, whole);
      rest = bytes.subarray(whole);
    }
    yield `${rest.toString('base64')}"}\n`;
  }

  return {
    async *export(tenant, agent) {
      const person = createPerson(agent);
      const given = new Set<string>();
      const counts = { statements: 0, documents: 0, attachments: 0, records: 0 };
      await stores.statements.settled(tenant);
      for (let cursor: Cursor | undefined; ;) {
        const page = await stores.statements.find(tenant, {
          filters: person.filter, ascending: true, limit: pageStatements, maxBytes: pageBytes, cursor, includeVoided: true,
        });
        for (const { text, voided } of page.statements) {
          const json = onOneLine(text).toString('utf8');
          const statement = JSON.parse(json) as Statement;
          if (!names(statement, person)) continue;
          counts.statements++;
          yield `{"kind":"statement","voided":${voided},"statement":${json}}\n`;
          for (const { sha2 } of attachmentsOf(statement)) {
            if (given.has(sha2)) continue;
            given.add(sha2);
            let present = false;
            for await (const part of attachment(tenant, sha2)) {
              present = true;
              yield part;
            }
            if (present) counts.attachments++;
          }
        }
        cursor = page.next;
        if (!cursor) break;
      }
      for (const identifier of person.identifiers) {
        for (const resource of ['state', 'agent-profile'] as const) {
          for (const { key } of await stores.documents.list(tenant, { resource, agent: identifier })) {
            const document = await stores.documents.get(tenant, key);
            if (!document) continue;
            counts.documents++;
            yield documentLine(document);
          }
        }
      }
      for await (const record of stores.featureRecords.list(tenant, person.identifiers)) {
        counts.records++;
        yield `${JSON.stringify(record)}\n`;
      }
      yield `${JSON.stringify({ kind: 'end', ...counts })}\n`;
    },
  };
}

function documentLine({ key, content, contentType, etag, updated }: Document): string {
  const isText = /^(text\/|application\/([a-z.+-]*\+)?json\b)/i.test(contentType) && isUtf8(content);
  const body = isText ? { content: content.toString('utf8') } : { contentBase64: content.toString('base64') };
  return `${JSON.stringify({ kind: 'document', ...key, contentType, etag, updated: new Date(updated).toISOString(), ...body })}\n`;
}
