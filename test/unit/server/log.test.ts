import { MongoBulkWriteError } from 'mongodb';
import t from 'tap';
import { failureCode, loggedError } from '../../../src/server/log.js';
import { QuipuError } from '../../../src/xapi/errors.js';

const thrownBy = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return error;
  }
};

t.test('an error in the log holds nothing of what was to be written or read', async (t) => {
  const secret = 'ann@example.org';
  const write = Object.assign(new MongoBulkWriteError({ message: 'E11000 duplicate key', code: 11000, writeErrors: [] }, {} as never), { writeErrors: [{ op: { text: secret } }], result: { insertedIds: [secret] } });
  const wrapped = new Error('outer', { cause: Object.assign(new Error('inner'), { statement: secret }) });
  for (const error of [write, wrapped, thrownBy(() => JSON.parse(`${secret}`)), secret, { secret }, Object.assign(new Error('a message\nof two lines'), { headers: { authorization: secret } })]) {
    t.notMatch(JSON.stringify(loggedError(error)), /ann@|ann\W/);
  }
  t.match(loggedError(write), { type: 'MongoBulkWriteError', code: '11000', message: /E11000/, stack: /^ +at / });
  t.match(loggedError(wrapped), { message: 'outer', cause: { message: 'inner' } });
  t.ok(loggedError(new Error('x'.repeat(10_000))).message.length <= 500);
  const circle = new Error('circle');
  circle.cause = circle;
  t.match(loggedError(circle), { cause: { cause: { cause: { message: 'circle' } } } });
});

t.test('what the store refuses is no failure of it', async (t) => {
  t.equal(failureCode(new QuipuError('statement-conflict', 'Refused.')), undefined);
  t.equal(failureCode(new QuipuError('store-unavailable', 'Away.')), 'store-unavailable');
  t.equal(failureCode(new QuipuError('storage-full', 'Full.')), 'storage-full');
  t.equal(failureCode(new TypeError('fault')), 'internal');
});
