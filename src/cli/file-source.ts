import { basename } from 'node:path';
import { isAttachmentLine } from '../transfer/attachment-line.js';
import { readLines } from '../transfer/line-reader.js';
import { openSource } from './byte-stream.js';
import { tell } from './output.js';
import { splitJsonValues, type ValueLayout } from './json-values.js';
import type { ImportSource, ResumePoint, SourceItem } from './source-item.js';
import { prepareStatement, tooLong } from './statement-line.js';

/** Bytes of the longest statement or line that is read. */
export const maxStatementBytes = 32 << 20;

/** Bytes by which the layout of a file is told. */
const headBytes = 64 << 10;

/**
 * The statements of a file, or of standard input for `-`: arrays, NDJSON, values one after the other, StatementResults, or an
 * export of Quipu; also compressed with gzip.
 * @throws CommandError when there is no such file
 */
export async function openFileSource(path: string, resume?: ResumePoint): Promise<ImportSource> {
  const source = await openSource(path, resume?.offset ?? 0);
  const name = path === '-' ? 'standard input' : basename(path);
  return { items: readItems(source.stream as AsyncIterable<Buffer>, name, resume), size: source.size, position: source.position };
}

async function* readItems(stream: AsyncIterable<Buffer>, name: string, resume: ResumePoint | undefined): AsyncGenerator<SourceItem> {
  if (resume?.layout !== undefined) {
    yield* readLayout(stream, name, resume.layout, { number: resume.number, offset: resume.offset ?? 0 });
    return;
  }
  const chunks = stream[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  for (;;) {
    const { value, done } = await chunks.next();
    if (done) break;
    head = Buffer.concat([head, value]);
    if (head.length >= headBytes) break;
  }
  const { layout, start } = detectLayout(head);
  const rest = async function* (): AsyncGenerator<Buffer> {
    yield head.subarray(start);
    yield* { [Symbol.asyncIterator]: () => chunks };
  };
  yield* readLayout(rest(), name, layout, { number: 0, offset: start });
}

type Layout = 'lines' | ValueLayout;

async function* readLayout(stream: AsyncIterable<Buffer>, name: string, layout: Layout, from: { number: number; offset: number }): AsyncGenerator<SourceItem> {
  if (layout === 'lines') {
    for await (const { number, bytes, end } of readLines(stream, maxStatementBytes, from)) {
      const resume: ResumePoint = { layout, number, offset: end };
      if (bytes === undefined) yield { ...tooLong({ line: number }, maxStatementBytes), resume };
      else if (isAttachmentLine(bytes)) yield { kind: 'attachment', line: bytes };
      else yield { ...prepareStatement(bytes, name, { line: number }), resume };
    }
    return;
  }
  let rest = '';
  for await (const { number, bytes, end } of splitJsonValues(stream, layout, maxStatementBytes, from, (more) => { rest = more; })) {
    const place = { index: number - 1 };
    const item = bytes === undefined ? tooLong(place, maxStatementBytes) : prepareStatement(bytes, name, place);
    yield { ...item, resume: { layout, number, offset: end } };
  }
  if (rest !== '') tell(`The last page of ${name} says that there is more, which is not in it: ${rest.slice(0, 300)}`);
}

/** Tells from the beginning of a file how its statements stand in it, and where the first of them begins at the earliest. */
export function detectLayout(head: Buffer): { layout: Layout; start: number } {
  const content = contentStart(head);
  if (head[content] === 0x5b) return { layout: 'array', start: content + 1 };
  const text = head.toString('latin1', content);
  if (/^\{\s{0,1000}"(?:statements|more)"\s{0,1000}:/.test(text)) return { layout: 'result', start: content };
  const start = hasMark(head) ? 3 : 0;
  const [firstLine = '', secondLine = ''] = text.split('\n', 2);
  const endsThere = firstLine.trimEnd().endsWith('}') || secondLine.startsWith('{') || (firstLine.length === text.length && head.length >= headBytes);
  return { layout: text.startsWith('{') && !endsThere ? 'values' : 'lines', start };
}

function hasMark(head: Buffer): boolean {
  return head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf;
}

/** Offset of the first byte that is neither byte order mark nor white space. */
function contentStart(head: Buffer): number {
  let at = hasMark(head) ? 3 : 0;
  while (at < head.length && (head[at] === 0x20 || head[at] === 0x09 || head[at] === 0x0a || head[at] === 0x0d)) at++;
  return at;
}
