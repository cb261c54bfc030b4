import t from 'tap';
import { loadedLater } from '../../../src/cmi5/loaded-later.js';

interface Counter {
  readonly most: number;
  add(number: number): Promise<number>;
}

t.test('a service is made once, when it is first asked, and anew where that failed', async (t) => {
  let made = 0;
  let sum = 0;
  const counter = loadedLater<Counter>({ most: 7 }, async () => {
    if (++made === 1) throw new Error('not yet');
    return { most: 7, add: async (number) => (sum += number) };
  });
  t.equal(counter.most, 7);
  t.equal(made, 0);
  await t.rejects(counter.add(1), /not yet/);
  t.strictSame(await Promise.all([counter.add(1), counter.add(2)]), [1, 3]);
  t.equal(made, 2);
});
