import t from 'tap';
import { coalesced } from '../../../src/storage/mongodb/coalesced.js';

t.test('calls share a run that begins after them, one after the other for each name', async (t) => {
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const look = coalesced(async (name) => {
    const number = begun.push(name);
    await new Promise<void>((resolve) => ends.push(resolve));
    if (number === 2) throw new Error('the second fails');
    return number;
  });
  const first = look('a');
  const [second, third] = [look('a'), look('a')];
  const other = look('b');
  t.strictSame(begun, ['a', 'b'], 'what is asked during a run waits for its end');
  ends[0]!();
  t.equal(await first, 1);
  ends[1]!();
  await t.rejects(other, { message: 'the second fails' });
  await new Promise((resolve) => setImmediate(resolve));
  t.strictSame(begun, ['a', 'b', 'a']);
  ends[2]!();
  t.strictSame(await Promise.all([second, third]), [3, 3], 'and is answered together');
  const later = look('b');
  ends[3]!();
  t.equal(await later, 4, 'a failure is over with its run');
});
