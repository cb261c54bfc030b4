import t from 'tap';
import { openTestStorage } from '../auth/open-keys.js';
import { found, reference, sample, uuid } from '../../contract/statement-samples.js';

t.test('a batch whose references inherit too much is refused before anything is written; smaller ones go in', async (t) => {
  const { statements } = await openTestStorage(t);
  const member = Array.from({ length: 3000 }, (_, index) => ({ mbox: `mailto:m${index}@example.org` }));
  const group = sample(1, { actor: { objectType: 'Group', member } });
  const references = (count: number, from: number) => Array.from({ length: count }, (_, index) => sample(from + index, { object: reference(uuid(1)) }));
  const refused = { code: 'too-large', details: { rule: 'batch-references', statement: Number } };
  await t.rejects(statements.append('one', [group, ...references(100, 10)]), refused, 'the target in the batch itself');
  t.equal(await statements.count('one'), 0);
  await statements.append('one', [group]);
  await t.rejects(statements.append('one', references(100, 10)), refused, 'a stored target');
  t.equal(await statements.count('one'), 1);
  await statements.append('one', references(60, 10));
  await statements.append('one', references(40, 200));
  t.equal((await found(statements, 'one', ['Ambox:mailto:m2999@example.org'])).length, 101, 'every member finds the target and what refers to it');
});
