import type { Credential } from '../auth/credential.js';
import { can } from '../auth/permissions.js';
import { agentIdentifier } from '../xapi/actors.js';
import { attachmentsOf } from '../xapi/attachments.js';
import { QuipuError } from '../xapi/errors.js';
import type { StatementText } from '../xapi/json-text.js';
import { filterKeys, type StatementFilter, type StatementKey } from '../xapi/statement-keys.js';
import type { Statement, XapiVersion } from '../xapi/types.js';
import { isKnownLineVersion, negotiateVersion } from '../xapi/versions.js';
import { validateStatement } from '../xapi/validation.js';
import type { AttachmentStore, StagedAttachment } from './attachment-store.js';
import { matchAttachments, verifySignatures } from './attachments.js';
import { normalise } from './normalise.js';
import type { Cursor, NewStatement, StatementPage, StatementStore, StoredStatement } from './store.js';

/** Statements on their way in. */
export interface WriteRequest {
  credential: Credential;
  version: XapiVersion;
  statements: StatementText[];
  attachments: StagedAttachment[];
  /** The statementId of a PUT. */
  id?: string;
}

/** A list query as the parameters ask for it. */
export interface ListRequest extends StatementFilter {
  since?: number;
  until?: number;
  ascending: boolean;
  limit: number;
  maxBytes: number;
  cursor?: Cursor;
}

/** What became of one imported statement. */
export type ImportOutcome = { status: 'stored' | 'duplicate' } | { status: 'refused'; error: QuipuError };

/** Counts of what came in, for the metrics. */
export interface IngestCounter {
  (outcome: 'stored' | 'duplicate' | 'refused', count: number): void;
}

/** The Statement Resource's use cases (1.0.3 Part Three 2.1; IEEE 9274.1.1 4.1.6.1). */
export interface StatementService {
  /**
   * Takes in a batch, all of it or nothing.
   * @returns the ids in the order of the batch, as the client wrote them
   * @throws QuipuError that names the first statement at fault
   */
  write(request: WriteRequest): Promise<string[]>;
  /**
   * Takes in what is good of a batch from another store and says of each of the others what is wrong with it. A statement keeps
   * its own authority; its `version` says by which rules it is judged.
   */
  importBatch(credential: Credential, statements: StatementText[], attachments: StagedAttachment[]): Promise<ImportOutcome[]>;
  /** A statement that is not voided, or with `voided` one that is; undefined when there is none that the caller may read. */
  get(credential: Credential, id: string, voided: boolean): Promise<StoredStatement | undefined>;
  /** One page of a list. */
  list(credential: Credential, request: ListRequest): Promise<StatementPage>;
  /** The filters of a list as keys, with what the caller may read. */
  filters(credential: Credential, filter: StatementFilter): StatementKey[][];
  /** Milliseconds since the epoch: see `StatementStore`. */
  consistentThrough(tenant?: string): Promise<number>;
}

export interface StatementServiceDeps {
  store: StatementStore;
  attachments: AttachmentStore;
  count: IngestCounter;
}

/** Largest signature that is read; a JWS holds one statement and perhaps a certificate chain. */
const MOST_SIGNATURE_BYTES = 4 << 20;

export function createStatementService({ store, attachments: attachmentStore, count }: StatementServiceDeps): StatementService {
  /** Step 7: every rule of the standard, for the whole batch, before anything is written. */
  function validate(statements: readonly StatementText[], version: XapiVersion, id?: string): void {
    for (const [index, { value }] of statements.entries()) {
      const fault = validateStatement(value, version, index);
      if (fault) throw fault;
    }
    refuseRepeatedIds(statements);
    const own = (statements[0]?.value as { id?: string } | undefined)?.id;
    if (id !== undefined && own !== undefined && own.toLowerCase() !== id.toLowerCase()) {
      throw new QuipuError('invalid-statement', `The statement's id ${own} is not the statementId ${id} of the request.`,
        { statement: 0, pointer: '/id', rule: 'put-id', section: 'xAPI 1.0.3 Part Three 2.1.1; IEEE 9274.1.1 4.1.6.1', expected: id });
    }
  }

  /** The bytes of a part of this request. */
  async function readStaged(tenant: string, staged: readonly StagedAttachment[], sha2: string): Promise<Buffer | undefined> {
    const part = staged.find((other) => other.sha2 === sha2);
    if (!part) return undefined;
    if (part.length > MOST_SIGNATURE_BYTES) {
      throw new QuipuError('invalid-signature', `A signature of ${part.length} bytes is longer than a signed statement can be.`, { rule: 'signature-size', expected: `at most ${MOST_SIGNATURE_BYTES} bytes` });
    }
    const found = await attachmentStore.open(tenant, sha2);
    if (!found) return undefined;
    const chunks: Buffer[] = [];
    for await (const chunk of found.stream) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  }

  /** Makes the parts durable while `work` runs, which stores the statements that name them. */
  async function withAttachments<T>(tenant: string, staged: StagedAttachment[], values: Statement[], work: () => Promise<T>): Promise<T> {
    if (staged.length === 0) return work();
    try {
      for (const part of staged) await part.commit();
      await verifySignatures(values, (sha2) => readStaged(tenant, staged, sha2));
      return await work();
    } catch (error) {
      // After a failure of the store the statements may yet turn out to be stored.
      if (error instanceof QuipuError && error.status < 500) await Promise.all(staged.map((part) => part.retract(() => isNamed(tenant, part.sha2))));
      throw error;
    } finally {
      for (const part of staged) part.release();
    }
  }

  /** Whether a statement names these bytes. */
  async function isNamed(tenant: string, sha2: string): Promise<boolean> {
    return (await store.find(tenant, { filters: [[`H${sha2}`]], ascending: true, limit: 1, includeVoided: true })).statements.length > 0;
  }

  async function write({ credential, version, statements, attachments, id }: WriteRequest): Promise<string[]> {
    const { tenant, authority } = credential;
    const values = statements.map(({ value }) => value as unknown as Statement);
    validate(statements, version, id);
    matchAttachments(values, attachments);
    const defines = can(credential, 'define');
    return withAttachments(tenant, attachments, values, async () => {
      const batch = statements.map((statement) => normalise(statement, { version, authority, defines, ...(id === undefined ? {} : { id }) }));
      const result = await store.append(tenant, batch);
      if (result.status === 'conflict') throw conflict(batch[result.index]!.id, result.index);
      for (const outcome of result.outcomes) count(outcome, 1);
      return batch.map((statement) => statement.value.id ?? statement.id);
    });
  }

  /** Whether the bytes of every attachment without a fileUrl came along or are in the store already. */
  async function missingBytes(tenant: string, statement: Statement, staged: readonly StagedAttachment[]): Promise<string | undefined> {
    for (const { attachment, sha2 } of attachmentsOf(statement)) {
      if (attachment.fileUrl === undefined && !staged.some((part) => part.sha2 === sha2) && !(await attachmentStore.has(tenant, sha2))) return sha2;
    }
    return undefined;
  }

  async function judgeImported(credential: Credential, statement: StatementText, staged: readonly StagedAttachment[], index: number): Promise<NewStatement | QuipuError> {
    const { version } = statement.value as { version?: unknown };
    const line = typeof version === 'string' && isKnownLineVersion(version) ? negotiateVersion(version) : '1.0.3';
    const fault = validateStatement(statement.value, line, index);
    if (fault) return fault;
    const value = statement.value as unknown as Statement;
    const missing = await missingBytes(credential.tenant, value, staged);
    if (missing !== undefined) {
      return new QuipuError('invalid-attachment', `Statement ${index}: the bytes with the hash ${missing} did not come along.`, { statement: index, rule: 'attachment-data', expected: 'the bytes of the attachment, or a fileUrl' });
    }
    return normalise(statement, { version: line, authority: value.authority ?? credential.authority, defines: true });
  }

  async function appendAll(tenant: string, batch: NewStatement[]): Promise<ImportOutcome[]> {
    const together = await store.append(tenant, batch);
    if (together.status === 'stored') return together.outcomes.map((status) => ({ status }));
    return Promise.all(batch.map(async (statement): Promise<ImportOutcome> => {
      const alone = await store.append(tenant, [statement]);
      return alone.status === 'stored' ? { status: alone.outcomes[0]! } : { status: 'refused', error: conflict(statement.id) };
    }));
  }

  function filters(credential: Credential, filter: StatementFilter): StatementKey[][] {
    const asked = filterKeys(filter);
    return can(credential, 'statements:read') ? asked : [...asked, mine(credential)];
  }

  return {
    write: async (request) => {
      try {
        return await write(request);
      } catch (error) {
        if (error instanceof QuipuError && error.status < 500) count('refused', Math.max(1, request.statements.length));
        throw error;
      }
    },
    importBatch: async (credential, statements, attachments) => {
      const { tenant } = credential;
      const judged = await Promise.all(statements.map((statement, index) => judgeImported(credential, statement, attachments, index)));
      const good = judged.filter((one): one is NewStatement => !(one instanceof QuipuError));
      const named = new Set(good.flatMap(({ value }) => attachmentsOf(value).map(({ sha2 }) => sha2)));
      const stored = await withAttachments(tenant, attachments.filter(({ sha2 }) => named.has(sha2)), [], () => appendAll(tenant, good));
      const outcomes = judged.map((one) => (one instanceof QuipuError ? { status: 'refused', error: one } as const : stored.shift()!));
      for (const { status } of outcomes) count(status, 1);
      return outcomes;
    },
    get: async (credential, id, voided) => {
      const found = await store.get(credential.tenant, id.toLowerCase());
      if (!found || found.voided !== voided) return undefined;
      return can(credential, 'statements:read') || isMine(credential, found) ? found : undefined;
    },
    list: (credential, { since, until, ascending, limit, maxBytes, cursor, ...filter }) =>
      store.find(credential.tenant, { filters: filters(credential, filter), since, until, ascending, limit, maxBytes, cursor }),
    filters,
    consistentThrough: (tenant) => store.consistentThrough(tenant),
  };
}

/** The keys of which a statement written with this credential has one (scope statements/read/mine, 1.0.3 Part Three 4.2). */
function mine({ authority }: Credential): StatementKey[] {
  const identifier = agentIdentifier(authority);
  return identifier === undefined ? [] : [`U${identifier}`];
}

function isMine(credential: Credential, { text }: StoredStatement): boolean {
  const { authority } = JSON.parse(text.toString('utf8')) as Statement;
  return authority !== undefined && agentIdentifier(authority) === agentIdentifier(credential.authority);
}

/** 1.0.3 Part Three 2.1.2: a batch with the same id twice is refused. */
function refuseRepeatedIds(statements: readonly StatementText[]): void {
  if (statements.length < 2) return;
  const seen = new Map<string, number>();
  for (const [index, { value }] of statements.entries()) {
    const id = (value as { id?: string }).id?.toLowerCase();
    if (id === undefined) continue;
    const before = seen.get(id);
    if (before !== undefined) {
      throw new QuipuError('invalid-statement', `Statement ${index}: the id ${id} is that of statement ${before} of the same batch.`,
        { statement: index, pointer: '/id', rule: 'batch-unique-ids', section: 'xAPI 1.0.3 Part Three 2.1.2; IEEE 9274.1.1 4.1.6.1', expected: 'another UUID for each statement' });
    }
    seen.set(id, index);
  }
}

function conflict(id: string, index?: number): QuipuError {
  const place = index === undefined ? 'The' : `Statement ${index}: the`;
  return new QuipuError('statement-conflict', `${place} id ${id} is that of a stored statement with other content; nothing of the request was stored.`,
    { ...(index === undefined ? {} : { statement: index }), pointer: '/id', rule: 'statement-immutable', section: 'xAPI 1.0.3 Part Two 2.3.1, Part Three 2.1; IEEE 9274.1.1 4.1.6.1', expected: 'a new id, or exactly the stored content' });
}
