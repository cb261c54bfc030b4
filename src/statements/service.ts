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
import type { AttachmentStore, HeldAttachment, StagedAttachment } from './attachment-store.js';
import { verifySignatures } from './attachments.js';
import { normalise, type Assignment } from './normalise.js';
import type { Preparation } from './preparation.js';
import type { PrepareOrder } from './prepare.js';
import { createBatchWriter, readBatch } from './prepared-batch.js';
import type { Cursor, NewStatement, StatementPage, StatementStore, StoredStatement } from './store.js';

/** Statements on their way in. */
export interface WriteRequest {
  credential: Credential;
  version: XapiVersion;
  /** JSON: a statement or an array of them; not to be used any more afterwards. */
  body: Buffer;
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

/** An imported statement that is good, and what it is given. */
interface Judged {
  statement: StatementText;
  value: Statement;
  assignment: Assignment;
}

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
  preparation: Preparation;
  count: IngestCounter;
}

/** Largest signature that is read; a JWS holds one statement and perhaps a certificate chain. */
const MOST_SIGNATURE_BYTES = 4 << 20;

/** With no more requests than these on their way into the store the main thread is taken to have time. */
const FEW = 2;

export function createStatementService({ store, attachments: attachmentStore, preparation, count }: StatementServiceDeps): StatementService {
  /** Requests on their way into the store. */
  let writing = 0;

  /** The bytes of a part of this request. */
  async function readStaged(tenant: string, staged: readonly StagedAttachment[], sha2: string): Promise<Buffer | undefined> {
    const part = staged.find((other) => other.sha2 === sha2);
    if (!part) return undefined;
    if (part.bytes) return part.bytes;
    if (part.length > MOST_SIGNATURE_BYTES) {
      throw new QuipuError('invalid-signature', `A signature of ${part.length} bytes is longer than a signed statement can be.`, { rule: 'signature-size', expected: `at most ${MOST_SIGNATURE_BYTES} bytes` });
    }
    const found = await attachmentStore.open(tenant, sha2);
    if (!found) return undefined;
    const chunks: Buffer[] = [];
    for await (const chunk of found.stream) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  }

  /**
   * Makes the parts durable while `work` runs, which stores the statements that name them.
   * @param takesHeld whether `work` stores those in memory itself, with the statements
   * @param signed statements of which some have a signature, which is to be verified
   */
  async function withAttachments<T>(tenant: string, staged: StagedAttachment[], takesHeld: boolean, signed: readonly NewStatement[], work: (held: readonly HeldAttachment[]) => Promise<T>): Promise<T> {
    if (staged.length === 0) return work([]);
    const held = takesHeld ? staged.filter(isHeld) : [];
    try {
      for (const part of staged) if (!takesHeld || !isHeld(part)) await part.commit();
      await verifySignatures(signed.map(({ value }) => value), (sha2) => readStaged(tenant, staged, sha2));
      return await work(held);
    } catch (error) {
      // After a failure of the store the statements may yet turn out to be stored.
      if (error instanceof QuipuError && error.status < 500) for (const part of staged) await part.retract(() => isNamed(tenant, part.sha2));
      throw error;
    } finally {
      for (const part of staged) part.release();
    }
  }

  /** Whether a statement names these bytes. */
  async function isNamed(tenant: string, sha2: string): Promise<boolean> {
    return (await store.find(tenant, { filters: [[`H${sha2}`]], ascending: true, limit: 1, includeVoided: true })).statements.length > 0;
  }

  async function write(request: WriteRequest): Promise<string[]> {
    writing++;
    try {
      return await writeOne(request);
    } finally {
      writing--;
    }
  }

  async function writeOne({ credential, version, body, attachments, id }: WriteRequest): Promise<string[]> {
    const { tenant } = credential;
    const plain = plainOrder(credential, version);
    const order = attachments.length === 0 && id === undefined ? plain : { ...plain, parts: attachments.map(({ sha2 }) => sha2), ...(id === undefined ? {} : { id }) };
    const prepared = await preparation.prepare(body, order, writing <= FEW);
    if ('refused' in prepared) throw refused(prepared.refused, prepared.count);
    const batch = readBatch(prepared);
    try {
      // A policy may append again after a crash, when there are no parts any more: they are durable before.
      return await withAttachments(tenant, attachments, !credential.policy, prepared.signed ? batch : [], async (held) => {
        const result = await (credential.policy ? credential.policy.append(batch) : store.append(tenant, batch, held));
        if (result.status === 'conflict') throw conflict(batch[result.index]!.id, result.index);
        countOutcomes(result.outcomes);
        return prepared.ids;
      });
    } catch (error) {
      throw refused(error, batch.length);
    }
  }

  function countOutcomes(outcomes: readonly ('stored' | 'duplicate')[]): void {
    let duplicates = 0;
    for (const outcome of outcomes) if (outcome === 'duplicate') duplicates++;
    count('stored', outcomes.length - duplicates);
    if (duplicates > 0) count('duplicate', duplicates);
  }

  /** Counts what was refused for what it is, and gives the error back. */
  function refused(error: unknown, statements: number): unknown {
    if (error instanceof QuipuError && error.status < 500 && statements > 0) count('refused', statements);
    return error;
  }

  /** Whether the bytes of every attachment without a fileUrl came along or are in the store already. */
  async function missingBytes(tenant: string, statement: Statement, staged: readonly StagedAttachment[]): Promise<string | undefined> {
    for (const { attachment, sha2 } of attachmentsOf(statement)) {
      if (attachment.fileUrl === undefined && !staged.some((part) => part.sha2 === sha2) && !(await attachmentStore.has(tenant, sha2))) return sha2;
    }
    return undefined;
  }

  async function judgeImported(credential: Credential, statement: StatementText, staged: readonly StagedAttachment[], index: number): Promise<Judged | QuipuError> {
    const { version } = statement.value as { version?: unknown };
    const line = typeof version === 'string' && isKnownLineVersion(version) ? negotiateVersion(version) : '1.0.3';
    const fault = validateStatement(statement.value, line, index);
    if (fault) return fault;
    const value = statement.value as unknown as Statement;
    const missing = await missingBytes(credential.tenant, value, staged);
    if (missing !== undefined) {
      return new QuipuError('invalid-attachment', `Statement ${index}: the bytes with the hash ${missing} did not come along.`, { statement: index, rule: 'attachment-data', expected: 'the bytes of the attachment, or a fileUrl' });
    }
    const authority = value.authority ?? credential.authority;
    return { statement, value, assignment: { version: line, authority, authorityText: JSON.stringify(authority), defines: true } };
  }

  function prepareJudged(judged: readonly Judged[]): NewStatement[] {
    const writer = createBatchWriter(store.keyHash, judged.reduce((bytes, { statement }) => bytes + statement.text.length, 0));
    for (const { statement, assignment } of judged) writer.add(normalise(statement, assignment, store.keyHash));
    return readBatch(writer.finish());
  }

  async function appendAll(tenant: string, batch: NewStatement[], staged: readonly StagedAttachment[], held: readonly HeldAttachment[]): Promise<ImportOutcome[]> {
    const together = await store.append(tenant, batch, held);
    if (together.status === 'stored') return together.outcomes.map((status) => ({ status }));
    // Bytes come once in an import: what a refused statement names here, one of a later batch may name as well.
    await Promise.all(staged.filter(isHeld).map((part) => part.commit()));
    return Promise.all(batch.map(async (statement): Promise<ImportOutcome> => {
      const alone = await store.append(tenant, [statement]);
      return alone.status === 'stored' ? { status: alone.outcomes[0]! } : { status: 'refused', error: conflict(statement.id) };
    }));
  }

  function filters(credential: Credential, filter: StatementFilter): StatementKey[][] {
    const asked = filterKeys(filter);
    if (credential.policy) asked.push(...credential.policy.filters);
    return can(credential, 'statements:read') ? asked : [...asked, mine(credential)];
  }

  return {
    write,
    importBatch: async (credential, statements, attachments) => {
      const { tenant } = credential;
      const judged = await Promise.all(statements.map((statement, index) => judgeImported(credential, statement, attachments, index)));
      const good = judged.filter((one): one is Judged => !(one instanceof QuipuError));
      const named = new Set(good.flatMap(({ value }) => attachmentsOf(value).map(({ sha2 }) => sha2)));
      const parts = attachments.filter(({ sha2 }) => named.has(sha2));
      const stored = await withAttachments(tenant, parts, true, [], (held) => appendAll(tenant, prepareJudged(good), parts, held));
      const outcomes = judged.map((one) => (one instanceof QuipuError ? { status: 'refused', error: one } as const : stored.shift()!));
      for (const { status } of outcomes) count(status, 1);
      return outcomes;
    },
    get: async (credential, id, voided) => {
      if (credential.policy) await credential.policy.admitReading();
      const found = await store.get(credential.tenant, id.toLowerCase());
      if (!found || found.voided !== voided || credential.policy?.mayRead(found) === false) return undefined;
      return can(credential, 'statements:read') || isMine(credential, found) ? found : undefined;
    },
    list: async (credential, { since, until, ascending, limit, maxBytes, cursor, ...filter }) => {
      const { tenant, policy } = credential;
      await policy?.admitReading();
      const page = await store.find(tenant, { filters: filters(credential, filter), since, until, ascending, limit, maxBytes, cursor });
      // Keys also find what refers to a statement, whoever wrote that. A page may be short, and even empty, while there is more.
      return policy ? { ...page, statements: page.statements.filter((statement) => policy.mayRead(statement)) } : page;
    },
    filters,
    consistentThrough: (tenant) => store.consistentThrough(tenant),
  };
}

function isHeld(part: StagedAttachment): part is StagedAttachment & HeldAttachment {
  return part.bytes !== undefined;
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

const plainOrders = new WeakMap<Credential, Partial<Record<XapiVersion, PrepareOrder>>>();

/** The order of a POST without attachments: one object for all of a credential, which goes to another thread once for many bodies. */
function plainOrder(credential: Credential, version: XapiVersion): PrepareOrder {
  let orders = plainOrders.get(credential);
  if (!orders) plainOrders.set(credential, orders = {});
  return orders[version] ??= { version, authority: JSON.stringify(credential.authority), defines: can(credential, 'define'), parts: [] };
}

function conflict(id: string, index?: number): QuipuError {
  const place = index === undefined ? 'The' : `Statement ${index}: the`;
  return new QuipuError('statement-conflict', `${place} id ${id} is that of a stored statement with other content; nothing of the request was stored.`,
    { ...(index === undefined ? {} : { statement: index }), pointer: '/id', rule: 'statement-immutable', section: 'xAPI 1.0.3 Part Two 2.3.1, Part Three 2.1; IEEE 9274.1.1 4.1.6.1', expected: 'a new id, or exactly the stored content' });
}
