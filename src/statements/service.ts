import type { Credential } from '../auth/credential.js';
import { can } from '../auth/permissions.js';
import { agentIdentifier } from '../xapi/actors.js';
import { QuipuError } from '../xapi/errors.js';
import { filterKeys, type StatementFilter, type StatementKey } from '../xapi/statement-keys.js';
import type { Statement, XapiVersion } from '../xapi/types.js';
import type { AttachmentStore, StagedAttachment } from './attachment-store.js';
import { statementConflict } from './conflict.js';
import { createImportBatch, type ImportBatch } from './import-batch.js';
import type { Preparation } from './preparation.js';
import type { PrepareOrder } from './prepare.js';
import { readBatch } from './prepared-batch.js';
import type { Cursor, StatementPage, StatementStore, StoredStatement } from './store.js';
import { createStoringParts } from './storing-parts.js';

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
  importBatch: ImportBatch;
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

/** With no more requests than these on their way into the store the main thread is taken to have time. */
const FEW = 2;

export function createStatementService({ store, attachments, preparation, count }: StatementServiceDeps): StatementService {
  const storingParts = createStoringParts({ store, attachments });
  const importBatch = createImportBatch({ store, attachments, storingParts });
  /** Requests on their way into the store. */
  let writing = 0;

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
      return await storingParts(tenant, { staged: attachments, takesHeld: !credential.policy, ...(prepared.signed && { signed: batch }) }, async (held) => {
        const result = await (credential.policy ? credential.policy.append(batch) : store.append(tenant, batch, held));
        if (result.status === 'conflict') throw statementConflict(batch[result.index]!.id, result.index);
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

  function filters(credential: Credential, filter: StatementFilter): StatementKey[][] {
    const asked = filterKeys(filter);
    if (credential.policy) asked.push(...credential.policy.filters);
    return can(credential, 'statements:read') ? asked : [...asked, mine(credential)];
  }

  return {
    write,
    importBatch: async (credential, statements, parts) => {
      const outcomes = await importBatch(credential, statements, parts);
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
