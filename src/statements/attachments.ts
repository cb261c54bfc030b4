import { QuipuError } from '../xapi/errors.js';
import { attachmentsOf, signatureUsageType } from '../xapi/attachments.js';
import type { Statement } from '../xapi/types.js';
import { verifySignature } from './signature.js';

const section = 'xAPI 1.0.3 Part Two 2.4.11, Part Three 1.5.2; IEEE 9274.1.1 4.1.3';

/**
 * Judges that attachments and the parts sent with a batch belong together: each attachment has its bytes among the parts or a
 * fileUrl, and each part belongs to an attachment.
 * @param parts SHA-2 of what came along, in lower case
 * @throws QuipuError `invalid-attachment`
 */
export function matchAttachments(statements: readonly Statement[], parts: readonly string[]): void {
  const received = new Set(parts);
  const declared = new Set<string>();
  for (const [index, statement] of statements.entries()) {
    if (statement.attachments === undefined && statement.object.objectType !== 'SubStatement') continue;
    for (const { attachment, pointer, sha2 } of attachmentsOf(statement)) {
      declared.add(sha2);
      if (received.has(sha2) || attachment.fileUrl !== undefined) continue;
      throw new QuipuError('invalid-attachment', `Statement ${index}: the attachment at ${pointer} has neither a fileUrl nor a part of the request with its hash ${sha2}.`,
        { statement: index, pointer, rule: 'attachment-data', section, expected: 'a part with the header X-Experience-API-Hash of this value in a multipart/mixed request, or the property fileUrl' });
    }
  }
  const stray = [...received].find((sha2) => !declared.has(sha2));
  if (stray !== undefined) {
    throw new QuipuError('invalid-attachment', `A part of the request has the hash ${stray}, which no attachment of its statements has.`,
      { parameter: 'X-Experience-API-Hash', rule: 'attachment-declared', section, expected: 'an entry with this sha2 in the attachments of a statement' });
  }
}

/** Whether a statement has a signature, which `verifySignatures` judges. */
export function isSigned({ attachments }: Statement): boolean {
  return attachments?.some(({ usageType }) => usageType === signatureUsageType) === true;
}

/**
 * Judges the signatures of signed statements (1.0.3 Part Two 2.6; IEEE 9274.1.1 4.2.6).
 * @param read gives the bytes of a part that came with the request
 * @throws QuipuError `invalid-signature`
 */
export async function verifySignatures(statements: readonly Statement[], read: (sha2: string) => Promise<Buffer | undefined>): Promise<void> {
  for (const [index, statement] of statements.entries()) {
    for (const [at, attachment] of (statement.attachments ?? []).entries()) {
      if (attachment.usageType !== signatureUsageType) continue;
      const bytes = await read(attachment.sha2.toLowerCase());
      const fault = bytes && verifySignature(statement, attachment, bytes);
      if (fault) {
        throw new QuipuError(fault.code, `Statement ${index}: ${fault.message}`, { ...fault.details, statement: index, pointer: `/attachments/${at}` });
      }
    }
  }
}
