import t from 'tap';
import { onOneLine } from '../../../src/xapi/one-line.js';

t.test('a value over several lines becomes one line of the same value', async (t) => {
  const text = Buffer.from('{\r\n "a": "x\\ny",\n "b":\n[1,\n2] }');
  const line = onOneLine(text);
  t.notMatch(line.toString(), /[\r\n]/);
  t.same(JSON.parse(line.toString()), JSON.parse(text.toString()));
  t.match(text.toString(), /\n/, 'what was given is not changed');
  const single = Buffer.from('{"a":1}');
  t.equal(onOneLine(single), single);
});
