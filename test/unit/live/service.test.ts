import t from 'tap';
import { createFeed } from '../../../src/feed/service.js';
import { liveEvents } from '../../../src/live/service.js';
import type { StatementStore } from '../../../src/statements/store.js';
import { sample, uuid } from '../../contract/statement-samples.js';
import { openTestStorage } from '../auth/open-keys.js';

t.test('what is stored while the feed is being read comes at once, not with the next sign of life', async (t) => {
  const { statements } = await openTestStorage(t);
  let reads = 0;
  const store: StatementStore = {
    ...statements,
    feed: async (...args) => {
      const entries = await statements.feed(...args);
      // Stored and announced after the read has looked, before its reader has the answer.
      if (reads++ === 0) await statements.append('one', [sample(1)]);
      return entries;
    },
  };
  const ended = new AbortController();
  const events = liveEvents(createFeed(store), { tenant: 'one', filters: [], after: 0, signal: ended.signal, reserve: () => () => undefined, taken: async () => undefined });
  t.match(String((await events.next()).value), /^retry: /);
  const event = String((await events.next()).value);
  t.match(event, /^id: 1\nevent: statement\ndata: /, 'the statement, not a comment');
  t.ok(event.includes(uuid(1)));
  ended.abort();
  t.equal((await events.next()).done, true);
});
