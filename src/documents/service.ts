import { QuipuError } from '../xapi/errors.js';
import { etagOf, quoteEtag } from './etags.js';
import { assertJsonObject, isJsonType, mergeObjects } from './merge.js';
import { differs, expectationOf, isConditional, isUnmodified, matches, type Preconditions } from './preconditions.js';
import type { Document, DocumentKey, DocumentScope, DocumentStore, Expectation } from './store.js';
import { createTurns } from './turns.js';

/**
 * What becomes of a PUT without If-Match and If-None-Match:
 * - `overwrite`: it is done (State in 1.0.3, Part Three 3.1: "will permit PUT … without concurrency headers").
 * - `create`: it is done when there is no document yet, otherwise 409 (2.0, IEEE 9274.1.1 4.1.4).
 * - `refuse`: 409 when there is a document, otherwise 400 (profiles in 1.0.3, Part Three 3.1).
 */
export type UnconditionalPut = 'overwrite' | 'create' | 'refuse';

/** What a request's parameters point at: one document, or those of a scope. */
export type DocumentAddress =
  | { kind: 'document'; key: DocumentKey }
  | { kind: 'scope'; scope: DocumentScope; since?: number };

/** A document on its way in. */
export interface NewDocument {
  content: Buffer;
  /** As the client sent it. */
  contentType: string;
}

/** What the list of a scope answers. */
export interface DocumentList {
  /** stateIds or profileIds, each once, in order. */
  ids: string[];
  /** When the last of them was stored, in milliseconds since the epoch; undefined when there is none. */
  updated?: number;
}

/** What the document service needs. */
export interface DocumentServiceOptions {
  documents: DocumentStore;
  /** Largest document in bytes, also as the outcome of merges. */
  maxDocumentBytes: number;
  /** Deepest nesting of JSON that is merged. */
  maxDepth: number;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** The use cases that State, Agent Profile and Activity Profile share (xAPI 1.0.3 Part Three 2.2 and 3.1). */
export interface DocumentService {
  get(tenant: string, key: DocumentKey): Promise<Document | undefined>;
  /**
   * Stores a document in place of the one that may be there.
   * @throws QuipuError `precondition-failed`, or what `unconditional` says: `document-conflict`, `precondition-required`
   */
  put(tenant: string, key: DocumentKey, document: NewDocument, preconditions: Preconditions, unconditional: UnconditionalPut): Promise<void>;
  /**
   * Merges a JSON object into the document that is there; where there is none, stores it, whatever its type.
   * @throws QuipuError `invalid-document`, `precondition-failed`, `too-large`
   */
  post(tenant: string, key: DocumentKey, document: NewDocument, preconditions: Preconditions): Promise<void>;
  /** Deletes a document; that there is none is no error without a precondition. */
  delete(tenant: string, key: DocumentKey, preconditions: Preconditions): Promise<void>;
  /** @param since only documents stored after it, in milliseconds since the epoch */
  list(tenant: string, scope: DocumentScope, since?: number): Promise<DocumentList>;
  /**
   * Deletes every document in scope. A precondition is judged on the ETag of the list of their ids, before the deletion
   * and not in one step with it.
   */
  deleteAll(tenant: string, scope: DocumentScope, preconditions: Preconditions): Promise<void>;
}

const concurrency = 'xAPI 1.0.3 Part Three 3.1; IEEE 9274.1.1 4.1.4';
/** Attempts of a merge whose document keeps being changed by other processes, or by requests that are no merges; merges here take turns. */
const maxAttempts = 100;

/** Makes the service. */
export function createDocumentService({ documents, maxDocumentBytes, maxDepth, now }: DocumentServiceOptions): DocumentService {
  const inTurn = createTurns();

  function complete(key: DocumentKey, { content, contentType }: NewDocument): Document {
    return { key, content, contentType, etag: etagOf(content), updated: now() };
  }

  async function refuseOrCreate(tenant: string, document: Document, unconditional: UnconditionalPut): Promise<void> {
    if (unconditional === 'refuse') {
      const current = await documents.get(tenant, document.key);
      throw current === undefined ? preconditionRequired() : conflict(current);
    }
    const result = await documents.put(tenant, document, { kind: 'absent' });
    if (result.status === 'mismatch') throw conflict(result.current);
  }

  /** One round of a merge. @returns false when the document was changed meanwhile */
  async function tryPost(tenant: string, key: DocumentKey, posted: NewDocument, preconditions: Preconditions): Promise<boolean> {
    const current = await documents.get(tenant, key);
    if (!matches(preconditions, current?.etag) || !differs(preconditions, current?.etag) || !isUnmodified(preconditions, current?.updated)) throw preconditionFailed(state(current));
    const merged = current === undefined ? posted.content : mergeInto(current, posted);
    const expected: Expectation = current === undefined ? { kind: 'absent' } : { kind: 'etag', etags: [current.etag] };
    const result = await documents.put(tenant, complete(key, { ...posted, content: merged }), expected);
    return result.status === 'stored';
  }

  /**
   * What a write expects of the store. A time is judged here, and then the document has to stay the one that was judged.
   * @throws QuipuError `precondition-failed`
   */
  async function expectationIn(tenant: string, key: DocumentKey, preconditions: Preconditions): Promise<Expectation> {
    const expected = expectationOf(preconditions);
    if (preconditions.unmodifiedSince === undefined) return expected;
    const current = await documents.get(tenant, key);
    if (!isUnmodified(preconditions, current?.updated)) throw preconditionFailed(state(current));
    return expected.kind === 'any' && current !== undefined ? { kind: 'etag', etags: [current.etag] } : expected;
  }

  function mergeInto(current: Document, posted: NewDocument): Buffer {
    if (!isJsonType(posted.contentType)) throw wrongType('The posted document', posted.contentType);
    if (!isJsonType(current.contentType)) throw wrongType('The document that is stored', current.contentType);
    assertJsonObject(current.content, 'The document that is stored', maxDepth);
    const merged = mergeObjects(current.content, posted.content, maxDepth);
    if (merged.length > maxDocumentBytes) {
      throw new QuipuError('too-large', `The merged document would have ${merged.length} bytes; at most ${maxDocumentBytes} are allowed.`);
    }
    return merged;
  }

  const service: DocumentService = {
    get: (tenant, key) => documents.get(tenant, key),

    async put(tenant, key, posted, preconditions, unconditional) {
      const document = complete(key, posted);
      if (!isConditional(preconditions) && unconditional !== 'overwrite') return refuseOrCreate(tenant, document, unconditional);
      const result = await documents.put(tenant, document, await expectationIn(tenant, key, preconditions));
      if (result.status === 'mismatch') throw preconditionFailed(state(result.current));
    },

    async post(tenant, key, posted, preconditions) {
      if (isJsonType(posted.contentType)) assertJsonObject(posted.content, 'The posted document', maxDepth);
      await inTurn(JSON.stringify([tenant, key]), async () => {
        for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
          if (await tryPost(tenant, key, posted, preconditions)) return;
        }
        throw new QuipuError('document-conflict', 'The document was changed by other requests each time that this one tried to merge into it.',
          { rule: 'merge-contended', section: concurrency, expected: 'the same request again, when fewer requests change the document' });
      });
    },

    async delete(tenant, key, preconditions) {
      const expected = await expectationIn(tenant, key, preconditions);
      const result = await documents.delete(tenant, key, expected);
      if (result.status === 'mismatch') throw preconditionFailed(state(result.current));
      if (result.status === 'absent' && (expected.kind === 'present' || expected.kind === 'etag')) throw preconditionFailed(state(undefined));
    },

    async list(tenant, scope, since) {
      const entries = await documents.list(tenant, scope, since);
      const list: DocumentList = { ids: [...new Set(entries.map(({ key }) => key.id))] };
      if (entries.length > 0) list.updated = entries.reduce((latest, { updated }) => Math.max(latest, updated), 0);
      return list;
    },

    async deleteAll(tenant, scope, preconditions) {
      if (isConditional(preconditions) || preconditions.unmodifiedSince !== undefined) {
        const { ids, updated } = await service.list(tenant, scope);
        const etag = listEtag(ids);
        const holds = matches(preconditions, etag) && differs(preconditions, etag) && isUnmodified(preconditions, updated);
        if (!holds) throw preconditionFailed(`The ETag of the list of ids is ${quoteEtag(etag)}.`);
      }
      await documents.deleteAll(tenant, scope);
    },
  };
  return service;
}

/** ETag of a list of ids: that of the JSON array it is answered as. */
export function listEtag(ids: string[]): string {
  return etagOf(JSON.stringify(ids));
}

function wrongType(which: string, contentType: string): QuipuError {
  return new QuipuError('invalid-document', `${which} has the content type ${JSON.stringify(contentType)}; only application/json can be merged.`,
    { rule: 'merge-json-only', section: 'xAPI 1.0.3 Part Three 2.2; IEEE 9274.1.1 4.1.6.2', expected: 'Content-Type: application/json, or a PUT that replaces the document' });
}

function state(current: Document | undefined): string {
  return current === undefined ? 'There is no document.' : `Its current ETag is ${quoteEtag(current.etag)}.`;
}

function preconditionFailed(found: string): QuipuError {
  return new QuipuError('precondition-failed', `The document is not in the state that If-Match, If-None-Match or If-Unmodified-Since asks for. ${found}`,
    { rule: 'precondition', section: concurrency, expected: 'a fresh GET, then the request again with the ETag it gives' });
}

function preconditionRequired(): QuipuError {
  return new QuipuError('precondition-required', 'A PUT of a profile must carry If-Match or If-None-Match.',
    { parameter: 'If-None-Match', rule: 'precondition-required', section: concurrency, expected: 'If-None-Match: * to create the document' });
}

function conflict(current: Document | undefined): QuipuError {
  return new QuipuError('document-conflict',
    `A document exists already. Check the current state of the resource, then set the If-Match header with the current ETag to replace it. ${state(current)}`,
    { parameter: 'If-Match', rule: 'precondition-required', section: concurrency, expected: 'If-Match with the current ETag' });
}
