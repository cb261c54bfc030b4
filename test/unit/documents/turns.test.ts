import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import { createTurns } from '../../../src/documents/turns.js';

t.test('work of one name runs one after the other, in order; other names do not wait', async (t) => {
  const inTurn = createTurns();
  const events: string[] = [];
  const work = (name: string, event: string, ms: number) => inTurn(name, async () => {
    events.push(`${event} starts`);
    await wait(ms);
    events.push(`${event} ends`);
    return event;
  });
  t.strictSame(await Promise.all([work('a', 'a1', 30), work('a', 'a2', 1), work('b', 'b1', 1)]), ['a1', 'a2', 'b1']);
  t.strictSame(events, ['a1 starts', 'b1 starts', 'b1 ends', 'a1 ends', 'a2 starts', 'a2 ends']);
});

t.test('work that fails ends its turn', async (t) => {
  const inTurn = createTurns();
  const failing = inTurn('a', async () => { throw new Error('failed'); });
  const next = inTurn('a', async () => 'next');
  await t.rejects(failing, { message: 'failed' });
  t.equal(await next, 'next');
});
