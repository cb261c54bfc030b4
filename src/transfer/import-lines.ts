import type { Credential } from '../auth/credential.js';
import type { StagedAttachment } from '../statements/attachment-store.js';
import type { StatementService } from '../statements/service.js';
import { QuipuError, type ErrorDetails } from '../xapi/errors.js';
import { parseStatements, type StatementText } from '../xapi/json-text.js';
import { isAttachmentLine } from './attachment-line.js';
import { createLineCursor, readLines, type Line } from './line-reader.js';
import { stageAttachment, type StagingDeps } from './stage-attachment.js';

/** What an import needs. */
export interface ImportDeps extends StagingDeps {
  service: Pick<StatementService, 'importBatch'>;
  /** Deepest nesting of a statement. */
  maxDepth: number;
  /** Bytes of the longest line, which is the largest statement. */
  maxLineBytes: number;
}

/** A line that was not taken in, and why. */
export interface Refusal extends Pick<ErrorDetails, 'pointer' | 'rule' | 'section' | 'expected'> {
  /** Line of the body, from 1. */
  line: number;
  /** The statement's id, where it has one. */
  id?: string;
  /** Code of the error registry. */
  error: string;
  message: string;
}

/** What became of an import. */
export interface ImportReport {
  stored: number;
  /** Statements that were stored before with equivalent content. */
  duplicates: number;
  refused: number;
  /** The first thousand of the refused lines. */
  refusals: Refusal[];
}

const batchStatements = 200;
const batchBytes = 1 << 20;
const reportedRefusals = 1000;
const batchAttachments = 100;
/** Attachments that may stand one after the other with no statement between. */
const mostAttachments = 1000;

/**
 * Takes in lines as `exportLines` writes them: a statement each, or a piece of an attachment, which has to stand before the
 * statement that names it first. Each line is judged by itself. Memory: one batch of about 1 MB and its attachments that are small, one line and one piece.
 * @throws QuipuError when the store fails; what was taken in before stays, and sending all of it again does no harm
 */
export async function importLines(deps: ImportDeps, credential: Credential, body: AsyncIterable<Buffer>): Promise<ImportReport> {
  const report: ImportReport = { stored: 0, duplicates: 0, refused: 0, refusals: [] };
  const lines = createLineCursor(readLines(body, deps.maxLineBytes));
  let batch: { line: number; statement: StatementText }[] = [];
  let bytes = 0;
  let staged: StagedAttachment[] = [];

  async function take({ number, bytes: line }: Line): Promise<void> {
    if (line === undefined) throw new QuipuError('too-large', `The line is longer than ${deps.maxLineBytes} bytes.`, { rule: 'statement-size', expected: `at most ${deps.maxLineBytes} bytes` });
    if (isAttachmentLine(line)) {
      if (staged.length >= mostAttachments) throw new QuipuError('too-large', `More than ${mostAttachments} attachments stand before a statement.`, { rule: 'attachment-count', expected: `at most ${mostAttachments} attachments, then a statement that names them` });
      staged.push(await stageAttachment(deps, credential.tenant, line, lines));
      return;
    }
    batch.push({ line: number, statement: readStatement(line, deps.maxDepth) });
    bytes += line.length;
  }

  async function flush(): Promise<void> {
    const taken = batch;
    batch = [];
    bytes = 0;
    const outcomes = taken.length === 0 ? [] : await deps.service.importBatch(credential, taken.map(({ statement }) => statement), staged);
    for (const [index, outcome] of outcomes.entries()) {
      const { line, statement } = taken[index]!;
      if (outcome.status === 'refused') refuse(report, line, outcome.error, statement);
      else report[outcome.status === 'stored' ? 'stored' : 'duplicates']++;
    }
    await discard();
  }

  async function discard(): Promise<void> {
    for (const attachment of staged.splice(0)) await attachment.discard();
  }

  try {
    for (let line = await lines.next(); line; line = await lines.next()) {
      try {
        await take(line);
      } catch (error) {
        if (!(error instanceof QuipuError) || error.status >= 500) throw error;
        refuse(report, line.number, error);
      }
      // Not behind an attachment: the statement that names it is yet to come.
      const enough = !(line.bytes && isAttachmentLine(line.bytes)) && (batch.length >= batchStatements || bytes >= batchBytes || (batch.length > 0 && staged.length >= batchAttachments));
      if (enough) await flush();
    }
    await flush();
  } finally {
    await discard();
  }
  return report;
}

function readStatement(line: Buffer, maxDepth: number): StatementText {
  const { single, items } = parseStatements(line, { maxDepth, maxStatements: 1 });
  const [statement] = items;
  if (single && statement) return statement;
  throw new QuipuError('invalid-statement', 'The line holds an array, where it takes one statement.', { pointer: '', rule: 'statement-object', expected: 'one statement on each line' });
}

function refuse(report: ImportReport, line: number, { code, message, details }: QuipuError, statement?: StatementText): void {
  report.refused++;
  if (report.refusals.length >= reportedRefusals) return;
  const id = (statement?.value as { id?: unknown } | undefined)?.id;
  const { pointer, rule, section, expected } = details;
  report.refusals.push({ line, ...(typeof id === 'string' ? { id: id.slice(0, 100) } : {}), error: code, message: withoutIndex(message), pointer, rule, section, expected });
}

/** Messages count statements within their request, which here says nothing: the line does. */
function withoutIndex(message: string): string {
  return message.replace(/^Statement \d+: /, '').replace(/^Statement \d+ /, 'The statement ').replace('; nothing of the request was stored', '');
}
