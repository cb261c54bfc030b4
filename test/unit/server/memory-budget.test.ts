import { setTimeout as delay } from 'node:timers/promises';
import Fastify from 'fastify';
import t from 'tap';
import '../../../src/auth/request.js';
import { limitMemory } from '../../../src/server/memory-budget.js';

t.test('answers are made a few at a time, those to HEAD as well', async (t) => {
  const app = Fastify();
  limitMemory(app, 1 << 20, 1 << 20);
  let making = 0;
  let most = 0;
  app.get('/', { config: { permission: 'statements:read' } }, async () => {
    most = Math.max(most, ++making);
    await delay(5);
    making--;
    return 'an answer';
  });
  for (const method of ['GET', 'HEAD'] as const) {
    most = 0;
    const answers = await Promise.all(Array.from({ length: 50 }, () => app.inject({ method, url: '/' })));
    t.ok(answers.every(({ statusCode }) => statusCode === 200), `every ${method} is answered`);
    t.equal(most, 16, `${method}: so many at once`);
  }
  await app.close();
});
