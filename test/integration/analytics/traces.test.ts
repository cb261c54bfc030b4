import t from 'tap';
import { attributesOf, startCollector } from '../collector.js';
import { startServer } from '../server.js';
import { statement, withoutEngine } from './analytics-server.js';

t.test('a block of statements that goes to analytics is a trace, with what it read of the store', { skip: withoutEngine, timeout: 120_000 }, async (t) => {
  const collector = await startCollector(t);
  const server = await startServer(t, { QUIPU_ANALYTICS: 'auto', QUIPU_OTEL_URL: collector.url });
  t.equal((await server.request('statements', { method: 'POST', body: [statement(1), statement(2), statement(3)] })).status, 200);
  for (const start = Date.now(); !(await server.request('/metrics', { key: null })).text.includes('quipu_consumer_lag_statements{consumer="analytics"} 0'); await new Promise((resolve) => setTimeout(resolve, 100))) {
    if (Date.now() - start > 60_000) throw new Error('The statements do not arrive');
  }
  const block = await collector.span((span) => span.name === 'analytics.block' && attributesOf(span)['quipu.entries'] === 3);
  t.match(attributesOf(block), { 'quipu.tenant': 'default' });
  t.notOk(block.parentSpanId);
  t.ok(await collector.span(({ name, parentSpanId }) => name === 'statements.feed' && parentSpanId === block.spanId));
});
