import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import type { AttachmentStore, StagedAttachment } from '../statements/attachment-store.js';
import { QuipuError } from '../xapi/errors.js';
import { isAttachmentLine, readAttachmentLine, type AttachmentPiece } from './attachment-line.js';
import type { LineCursor } from './line-reader.js';

/** Where staged attachments go. */
export interface StagingDeps {
  attachments: AttachmentStore;
  /** Bytes of the largest attachment. */
  maxAttachmentBytes: number;
}

/**
 * Takes in one attachment from its lines, as fast as the store writes: the lines are read no further than its last piece.
 * @param first the line with its first piece
 * @throws QuipuError when its bytes are not as declared; its remaining lines are then passed over
 */
export async function stageAttachment(deps: StagingDeps, tenant: string, first: Buffer, lines: LineCursor): Promise<StagedAttachment> {
  const opening = readAttachmentLine(first);
  const bytes = new PassThrough();
  const staged = deps.attachments.stage(tenant, opening.sha2, bytes, deps.maxAttachmentBytes);
  const settled = staged.then(() => undefined, () => undefined);
  bytes.on('error', () => undefined);
  try {
    await feed(opening, bytes, lines, settled);
    bytes.end();
  } catch (error) {
    bytes.destroy(error as Error);
    await staged.catch(() => undefined);
    if (error instanceof QuipuError) await passOver(lines);
    throw error;
  }
  return staged;
}

/** Writes the pieces until the last, or passes over them once the store has refused. */
async function feed(opening: AttachmentPiece, bytes: PassThrough, lines: LineCursor, settled: Promise<void>): Promise<void> {
  let expected = 0;
  for (let piece = opening; ;) {
    if (piece.sha2 !== opening.sha2 || piece.offset !== expected) throw gap(opening.sha2, expected);
    expected += piece.bytes.length;
    if (!bytes.destroyed && !bytes.write(piece.bytes)) await Promise.race([once(bytes, 'drain').catch(() => undefined), settled]);
    if (piece.last) return;
    const line = await lines.next();
    if (!line?.bytes || !isAttachmentLine(line.bytes)) {
      if (line) lines.putBack(line);
      throw gap(opening.sha2, expected);
    }
    piece = readAttachmentLine(line.bytes);
    if (piece.offset === 0) {
      lines.putBack(line);
      throw gap(opening.sha2, expected);
    }
  }
}

/** Skips what is left of an attachment that broke off. */
async function passOver(lines: LineCursor): Promise<void> {
  for (let line = await lines.next(); line; line = await lines.next()) {
    if (line.bytes && isAttachmentLine(line.bytes) && !beginsAttachment(line.bytes)) continue;
    lines.putBack(line);
    return;
  }
}

function beginsAttachment(line: Buffer): boolean {
  try {
    return readAttachmentLine(line).offset === 0;
  } catch {
    return false;
  }
}

function gap(sha2: string, expected: number): QuipuError {
  return new QuipuError('invalid-attachment', `The pieces of the attachment ${sha2.slice(0, 140)} break off at byte ${expected}.`, {
    rule: 'attachment-pieces', expected: `a line with the piece at offset ${expected}`,
  });
}
