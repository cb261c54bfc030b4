import t from 'tap';
import { createLineMaker, linesOf, type RowLines, type ShippedStatement } from '../../../src/query/row-lines.js';
import { insertOf } from '../../../src/query/rows.js';

const place = { tenant: 'default', erasure: 0 };
const shipped = (position: number, name: string): ShippedStatement => ({
  position, id: `00000000-0000-4000-8000-${String(position).padStart(12, '0')}`, stored: Date.UTC(2026, 0, 1) + position,
  text: Buffer.from(JSON.stringify({ actor: { mbox: 'mailto:a@example.org', name }, verb: { id: 'https://example.org/did' }, object: { id: 'https://example.org/thing' } })),
});
const linesIn = ({ bytes, ends }: RowLines): string[] => ends.map((end, index) => bytes.toString('utf8', index === 0 ? 0 : ends[index - 1], end));

const columns = /\((.*)\)/.exec(insertOf('log'))![1]!.split(', ');
const fieldsOf = (line: string): Record<string, unknown> => Object.fromEntries((JSON.parse(line) as unknown[]).map((value, index) => [columns[index], value]));

t.test('the thread makes the lines that are made here', async (t) => {
  const maker = createLineMaker();
  t.teardown(() => maker.close());
  const statements = ['Ann', 'Zoë 🎓', '', 'x'.repeat(10_000)].map((name, index) => shipped(index + 1, name));
  const [made, more] = await Promise.all([maker.make(statements, place), maker.make(statements.slice(1), place)]);
  t.strictSame(linesIn(made), linesIn(linesOf(statements, place)));
  t.strictSame(linesIn(more), linesIn(made).slice(1), 'answers come in the order of errands');
  for (const [index, line] of linesIn(made).entries()) {
    t.match(fieldsOf(line), { tenant: 'default', position: index + 1, text: statements[index]!.text.toString(), verb: 'https://example.org/did' });
  }
});

t.test('a name with half a surrogate pair becomes a line that is UTF-8', async (t) => {
  const { text: _text, ...rest } = shipped(1, '');
  const text = Buffer.from('{"actor":{"mbox":"mailto:a@example.org","name":"\\ud83d!"},"verb":{"id":"https://example.org/did"},"object":{"id":"https://example.org/thing"}}');
  const [line] = linesIn(linesOf([{ ...rest, text }], place));
  t.equal(fieldsOf(line!).actor_name, '\ufffd!');
});

t.test('what the thread can not do, and what comes after its end, is done here', async (t) => {
  const maker = createLineMaker();
  const good = shipped(1, 'Ann');
  await t.rejects(maker.make([{ ...good, text: Buffer.from('no JSON') }], place), SyntaxError);
  const [made] = await Promise.all([maker.make([good], place), maker.close()]);
  t.strictSame(linesIn(made!), linesIn(linesOf([good], place)));
  t.strictSame(linesIn(await maker.make([good], place)), linesIn(made!));
  await maker.close();
});
