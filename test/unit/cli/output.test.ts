import t from 'tap';
import { alignRows, tell } from '../../../src/cli/output.js';

t.test('texts of strangers give no commands to the terminal', (t) => {
  t.equal(alignRows([['a\u001b[2J', 'b'], ['\u009b1m\u202ex', 'two\nlines'], ['ä\u{1f600}', 'c']]), 'a\\u001b[2J       b\n\\u009b1m\\u202ex  two\\u000alines\nä\u{1f600}              c\n');
  const write = t.capture(process.stderr, 'write', () => true);
  tell('refused (\u001b]0;title\u0007): one\rline\nanother');
  t.same(write.args(), [['refused (\\u001b]0;title\\u0007): one\\u000dline\nanother\n']]);
  t.end();
});
