import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { detectLayout, openFileSource } from '../../../src/cli/file-source.js';
import type { ResumePoint, SourceItem } from '../../../src/cli/source-item.js';
import { writeAttachmentLine } from '../../../src/transfer/attachment-line.js';

const folder = await mkdtemp(join(tmpdir(), 'quipu-test-'));
t.teardown(() => rm(folder, { recursive: true }));

async function read(content: string | Buffer, resume?: ResumePoint): Promise<SourceItem[]> {
  const path = join(folder, 'source');
  await writeFile(path, content);
  const items: SourceItem[] = [];
  for await (const item of (await openFileSource(path, resume)).items) items.push(item);
  return items;
}

const ids = (items: SourceItem[]): string[] => items.map((item) => (item.kind === 'statement' ? (JSON.parse(item.line.toString()) as { id: string }).id : item.kind));

t.test('the layout is told from the first bytes', async (t) => {
  const layout = (text: string): unknown => detectLayout(Buffer.from(text)).layout;
  t.equal(layout('[{'), 'array');
  t.equal(layout('\ufeff \n [\n'), 'array');
  t.equal(layout('{"id":1}\n{"id":2}'), 'lines');
  t.equal(layout('{broken}\n{"id":2}'), 'lines');
  t.equal(layout('{"broken":\n{"id":2}'), 'lines', 'a first line that is cut off');
  t.equal(layout('{\n  "id": 1\n}\n'), 'values');
  t.equal(layout('{"statements":[{}],"more":""}'), 'result');
  t.equal(layout('\ufeff{ "statements" : [\n'), 'result');
  t.equal(layout(`{"a":"${'x'.repeat(70_000)}`), 'lines', 'a first line longer than what is looked at');
  t.equal(layout(''), 'lines');
});

t.test('all layouts give the same statements, also compressed and with a byte order mark', async (t) => {
  const statements = Array.from({ length: 50 }, (_, index) => ({ id: `s${index}`, text: 'ä{"[\n' }));
  const layouts = {
    array: JSON.stringify(statements), pretty: JSON.stringify(statements, null, 2),
    lines: statements.map((one) => JSON.stringify(one)).join('\n'), crlf: statements.map((one) => `${JSON.stringify(one)}\r\n`).join('\n'),
    values: statements.map((one) => JSON.stringify(one, null, 2)).join('\n'),
    result: JSON.stringify({ statements, more: '/more' }),
  };
  const expected = statements.map(({ id }) => id);
  for (const [name, text] of Object.entries(layouts)) {
    for (const mark of ['', '\ufeff']) {
      const all = await read(mark + text);
      t.same(ids(all), expected, name);
      t.same(ids(await read(gzipSync(mark + text))), expected, `${name}, compressed`);
      for (const at of [0, 20, 49]) {
        const { resume } = all[at]!;
        t.same(await read(mark + text, resume), all.slice(at + 1), `${name}, from ${at}`);
        t.same(await read(gzipSync(mark + text), resume), all.slice(at + 1), `${name}, compressed, from ${at}`);
      }
    }
  }
});

t.test('lines that are no statements stand in nobody\'s way', async (t) => {
  const piece = writeAttachmentLine({ sha2: 'a'.repeat(64), contentType: 'text/plain', offset: 0, length: 1, last: true, bytes: Buffer.from('x') });
  const items = await read(`{"id":"a"}\n\n{broken\n${piece.toString()}{"id":"b"}`);
  t.same(ids(items), ['a', 'refused', 'attachment', 'b']);
  t.match(items[1], { place: { line: 3 }, error: 'malformed-json' });
  t.match(items[3], { place: { line: 5 } });
  t.equal(items[2]!.resume, undefined, 'no going on between an attachment and its statement');
});

t.test('a file that is not there, a cut-off gzip', async (t) => {
  await t.rejects(openFileSource(join(folder, 'nothing')), { message: /nothing can't be read/ });
  await t.rejects(read(gzipSync(JSON.stringify([{ id: 'a' }])).subarray(0, 20)), { message: /gzip data is cut off/ });
});
