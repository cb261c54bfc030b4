import { setTimeout as pause } from 'node:timers/promises';
import t from 'tap';
import { createAnnouncements } from '../../../src/storage/mongodb/announcements.js';
import type { Database } from '../../../src/storage/mongodb/database.js';
import type { Horizons } from '../../../src/storage/mongodb/horizon.js';

t.test('listeners that leave and come back while a look is under way are looked for once', async (t) => {
  let looks = 0;
  let underWay = 0;
  let most = 0;
  const heads = { find: () => ({ toArray: async () => {
    looks++;
    most = Math.max(most, ++underWay);
    await pause(20);
    underWay--;
    return [];
  } }) };
  const announcements = createAnnouncements({ collections: { heads } } as unknown as Database, {} as Horizons, 5);
  let leave = announcements.subscribe(() => undefined);
  for (let round = 0; round < 5; round++) {
    const seen = looks;
    while (looks === seen) await pause(1);
    leave();
    leave = announcements.subscribe(() => undefined);
  }
  // Each that came back looks beside the last look of the one that left, and nobody else does once those are over.
  await pause(50);
  most = 0;
  const seen = looks;
  while (looks < seen + 5) await pause(5);
  t.equal(most, 1);
  leave();
  await pause(50);
  const last = looks;
  await pause(50);
  t.equal(looks, last, 'nobody looks for nobody');
});
