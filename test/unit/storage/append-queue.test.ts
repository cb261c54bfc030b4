import t from 'tap';
import { sample } from '../../contract/statement-samples.js';
import { createAppendQueue, type Waiting } from '../../../src/storage/mongodb/append-queue.js';
import { unavailable } from '../../../src/storage/mongodb/store-failure.js';

const wait = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

t.test('a store that is away is waited for once, not by one group after the other', async (t) => {
  let away = true;
  let groups = 0;
  const queue = createAppendQueue(async (_tenant: string, group: Waiting[]) => {
    groups++;
    if (away) {
      await wait(1500);
      throw unavailable();
    }
    for (const { resolve } of group) resolve({ status: 'stored', outcomes: ['stored'] });
    return [];
  });
  const begun = performance.now();
  const failed = (number: number): Promise<number> => queue.append('default', [sample(number)]).then(() => t.fail('nothing can be stored'), () => performance.now() - begun) as Promise<number>;
  const first = failed(1);
  await wait(200);
  const second = failed(2);
  await wait(1100);
  const third = failed(3);
  const [one, two] = await Promise.all([first, second]);
  t.ok(two - one < 100, `who had waited for as long is answered with the first: after ${Math.round(one)} and ${Math.round(two)} ms`);
  away = false;
  t.ok(await third - one > 1000, 'who came at the last moment has a try of its own');
  t.equal(groups, 2);
  t.same(await queue.append('default', [sample(4)]), { status: 'stored', outcomes: ['stored'] }, 'and so has whoever comes later');
  await queue.close();
});
