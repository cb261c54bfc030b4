import { setImmediate as nextTurn } from 'node:timers/promises';
import { pino } from 'pino';
import t from 'tap';
import { loadConfig } from '../../../src/config.js';
import { createHttpApplication } from '../../../src/server/http-application.js';

t.test('answers that are ready in the same turn of the event loop leave in a row', async (t) => {
  const app = createHttpApplication({ config: loadConfig({}), log: pino({ level: 'silent' }), closing: new AbortController().signal });
  const happened: string[] = [];
  const ready: (() => void)[] = [];
  app.get<{ Params: { number: string } }>('/:number', ({ params: { number } }, reply) => {
    ready.push(() => {
      happened.push(`made ${number}`);
      void reply.send(number);
    });
  });
  app.addHook('onSend', (_request, _reply, payload, next) => {
    happened.push(`leaves ${String(payload)}`);
    next();
  });
  const asked = ['1', '2', '3'].map((number) => app.inject(`/${number}`));
  while (ready.length < asked.length) await nextTurn();
  for (const answer of ready) answer();
  t.same((await Promise.all(asked)).map(({ statusCode, payload }) => [statusCode, payload]), [[200, '1'], [200, '2'], [200, '3']]);
  t.same(happened, ['made 1', 'made 2', 'made 3', 'leaves 1', 'leaves 2', 'leaves 3']);
  await app.close();
});
