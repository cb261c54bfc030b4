import { isSubStatement } from './statement-objects.js';
import type { Attachment, Statement } from './types.js';

/** The usageType of the attachment that signs a statement (xAPI 1.0.3 Part Two 2.6; IEEE 9274.1.1 4.2.6). */
export const signatureUsageType = 'http://adlnet.gov/expapi/attachments/signature';

/** An attachment and where it stands. */
export interface PlacedAttachment {
  attachment: Attachment;
  /** JSON pointer into the statement. */
  pointer: string;
  /** Its SHA-2 in lower case. */
  sha2: string;
}

/** The attachments of a statement and of its SubStatement. */
export function attachmentsOf({ attachments, object }: Statement): PlacedAttachment[] {
  const placed = (list: Attachment[] | undefined, at: string): PlacedAttachment[] =>
    (list ?? []).map((attachment, index) => ({ attachment, pointer: `${at}/attachments/${index}`, sha2: attachment.sha2.toLowerCase() }));
  return isSubStatement(object) ? [...placed(attachments, ''), ...placed(object.attachments, '/object')] : placed(attachments, '');
}
