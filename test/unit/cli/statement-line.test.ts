import t from 'tap';
import { prepareStatement, tooLong } from '../../../src/cli/statement-line.js';
import { isUuid } from '../../../src/xapi/uuids.js';

const line = (text: string, source = 'a.json', place = { index: 0 }): string => {
  const item = prepareStatement(Buffer.from(text), source, place);
  if (item.kind !== 'statement') throw new Error(`${item.kind}`);
  return item.line.toString();
};

t.test('a statement with an id stays as it is, on one line', async (t) => {
  t.equal(line('{"id":"x","n":1.0,"s":"a\\nb"}'), '{"id":"x","n":1.0,"s":"a\\nb"}');
  t.equal(line('{\r\n "id": "x",\n "n": 1.0e5\n}'), '{   "id": "x",  "n": 1.0e5 }');
  t.equal(line('{"\\u0069d":"x"}'), '{"\\u0069d":"x"}', 'an escaped key is an id, too');
});

t.test('an id is made from source, place and text', async (t) => {
  const made = line(' {"actor":{"id":"inner"}}');
  const { id, actor } = JSON.parse(made) as { id: string; actor: unknown };
  t.ok(isUuid(id));
  t.match(id, /^.{14}5.{4}[89ab]/, 'version 5');
  t.same(actor, { id: 'inner' });
  t.equal(line(' {"actor":{"id":"inner"}}'), made, 'the same again');
  t.not(line(' {"actor":{"id":"inner"}}', 'b.json'), made);
  t.not(line(' {"actor":{"id":"inner"}}', 'a.json', { index: 1 }), made);
  t.not((JSON.parse(line('{"actor":{"id":"other"}}')) as { id: string }).id, id);
  t.match(line('{}'), /^\{"id":"[0-9a-f-]{36}"\}$/);
});

t.test('what is no JSON is refused, what is no object is left to the server', async (t) => {
  t.match(prepareStatement(Buffer.from('{"a":'), 'a', { line: 3 }), { kind: 'refused', error: 'malformed-json', place: { line: 3 } });
  t.equal(line('[1]'), '[1]');
  t.equal(line('null'), 'null');
  t.match(tooLong({ line: 2 }, 10), { kind: 'refused', error: 'too-large', place: { line: 2 } });
});
