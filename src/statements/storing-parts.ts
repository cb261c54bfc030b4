import { QuipuError } from '../xapi/errors.js';
import type { AttachmentStore, HeldAttachment, StagedAttachment } from './attachment-store.js';
import { verifySignatures } from './attachments.js';
import type { NewStatement, StatementStore } from './store.js';

/** What is done with the parts of a request. */
export interface Parts {
  staged: readonly StagedAttachment[];
  /** Whether the work stores those in memory itself, with the statements. */
  takesHeld: boolean;
  /** Statements of which some have a signature, which is to be verified. */
  signed?: readonly NewStatement[];
}

/**
 * Makes the parts of a request durable while the work runs that stores the statements that name them.
 * @param work is given the parts that it stores itself
 * @throws QuipuError `invalid-signature`, and what the work throws; then no part stays that no statement names
 */
export type StoringParts = <T>(tenant: string, parts: Parts, work: (held: readonly HeldAttachment[]) => Promise<T>) => Promise<T>;

/** Largest signature that is read; a JWS holds one statement and perhaps a certificate chain. */
const MOST_SIGNATURE_BYTES = 4 << 20;

export function createStoringParts({ store, attachments }: { store: StatementStore; attachments: AttachmentStore }): StoringParts {
  /** The bytes of a part of this request. */
  async function readStaged(tenant: string, staged: readonly StagedAttachment[], sha2: string): Promise<Buffer | undefined> {
    const part = staged.find((other) => other.sha2 === sha2);
    if (!part) return undefined;
    if (part.bytes) return part.bytes;
    if (part.length > MOST_SIGNATURE_BYTES) {
      throw new QuipuError('invalid-signature', `A signature of ${part.length} bytes is longer than a signed statement can be.`, { rule: 'signature-size', expected: `at most ${MOST_SIGNATURE_BYTES} bytes` });
    }
    const found = await attachments.open(tenant, sha2);
    if (!found) return undefined;
    const chunks: Buffer[] = [];
    for await (const chunk of found.stream) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  }

  /** Whether a statement names these bytes. */
  async function isNamed(tenant: string, sha2: string): Promise<boolean> {
    return (await store.find(tenant, { filters: [[`H${sha2}`]], ascending: true, limit: 1, includeVoided: true })).statements.length > 0;
  }

  return async (tenant, { staged, takesHeld, signed = [] }, work) => {
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
  };
}

/** Whether a part is in memory. */
export function isHeld(part: StagedAttachment): part is StagedAttachment & HeldAttachment {
  return part.bytes !== undefined;
}
