import t from 'tap';
import type { Cursor } from '../../../src/statements/store.js';
import { openLevelStorage } from '../../../src/storage/leveldb/open.js';
import { agent, incoming, reference, statement, uuid, verb, verbKey } from '../../contract/statement-samples.js';

t.test('a statement that grows again while those that refer to it are walked loses none of them when the process ends', async (t) => {
  const directory = t.testdir();
  const many = 640;
  const [middle, last] = [100_001, 100_002];
  let storage = await openLevelStorage({ directory });
  let { statements } = storage;
  const inherits = async (position: number): Promise<boolean> => {
    const [entry] = await statements.feed('one', position - 1, 1);
    return statements.matches(entry!, [[verbKey('middle')]]);
  };
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  for (let at = 1; at <= many; at += 64) {
    await statements.append('one', Array.from({ length: 64 }, (_, n) => incoming(statement(at + n, { object: reference(uuid(middle)) }))));
  }
  const underWay = [statements.append('one', [incoming(statement(middle, { verb: verb('middle'), object: reference(uuid(last)) }))])];
  while (!await inherits(many * 3 / 4)) await turn();
  underWay.push(statements.append('one', [incoming(statement(last, { actor: agent('bob'), verb: verb('last') }))]));
  while (!await inherits(many)) await turn();
  await storage.close();
  await Promise.allSettled(underWay);

  storage = await openLevelStorage({ directory });
  t.teardown(() => storage.close());
  ({ statements } = storage);
  const count = async (name: string): Promise<number> => {
    let found = 0;
    for (let cursor: Cursor | undefined; ;) {
      const page = await statements.find('one', { filters: [[verbKey(name)]], ascending: true, limit: 500, ...(cursor === undefined ? {} : { cursor }) });
      found += page.statements.length;
      if (page.next === undefined) return found;
      cursor = page.next;
    }
  };
  t.equal(await count('middle'), many + 1);
  t.equal(await count('last'), many + 2);
});
