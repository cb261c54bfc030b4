import type { Credential } from '../auth/credential.js';
import { attachmentsOf } from '../xapi/attachments.js';
import { QuipuError } from '../xapi/errors.js';
import type { StatementText } from '../xapi/json-text.js';
import type { Statement } from '../xapi/types.js';
import { isKnownLineVersion, negotiateVersion } from '../xapi/versions.js';
import { validateStatement } from '../xapi/validation.js';
import type { AttachmentStore, HeldAttachment, StagedAttachment } from './attachment-store.js';
import { statementConflict } from './conflict.js';
import { normalise, type Assignment } from './normalise.js';
import { createBatchWriter, readBatch } from './prepared-batch.js';
import type { NewStatement, StatementStore } from './store.js';
import { isHeld, type StoringParts } from './storing-parts.js';

/** What became of one imported statement. */
export type ImportOutcome = { status: 'stored' | 'duplicate' } | { status: 'refused'; error: QuipuError };

/** An imported statement that is good, and what it is given. */
interface Judged {
  statement: StatementText;
  value: Statement;
  assignment: Assignment;
}

/**
 * Takes in what is good of a batch from another store and says of each of the others what is wrong with it. A statement keeps its own
 * authority; its `version` says by which rules it is judged.
 */
export type ImportBatch = (credential: Credential, statements: StatementText[], attachments: StagedAttachment[]) => Promise<ImportOutcome[]>;

export function createImportBatch({ store, attachments: attachmentStore, storingParts }: { store: StatementStore; attachments: AttachmentStore; storingParts: StoringParts }): ImportBatch {
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
      return alone.status === 'stored' ? { status: alone.outcomes[0]! } : { status: 'refused', error: statementConflict(statement.id) };
    }));
  }

  return async (credential, statements, attachments) => {
    const { tenant } = credential;
    const judged = await Promise.all(statements.map((statement, index) => judgeImported(credential, statement, attachments, index)));
    const good = judged.filter((one): one is Judged => !(one instanceof QuipuError));
    const named = new Set(good.flatMap(({ value }) => attachmentsOf(value).map(({ sha2 }) => sha2)));
    const parts = attachments.filter(({ sha2 }) => named.has(sha2));
    const stored = await storingParts(tenant, { staged: parts, takesHeld: true }, (held) => appendAll(tenant, prepareJudged(good), parts, held));
    return judged.map((one) => (one instanceof QuipuError ? { status: 'refused', error: one } as const : stored.shift()!));
  };
}
