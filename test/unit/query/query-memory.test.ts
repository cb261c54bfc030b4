import t from 'tap';
import type { ClickHouseClient } from '@clickhouse/client';
import { createAnalyticsService } from '../../../src/query/service.js';
import { loadViews } from '../../../src/query/views.js';
import { queryMemory } from '../../../src/query/query-memory.js';
import { startAnalyticsEngine } from './analytics-engine.js';

/** Three million groups. */
const many = 'SELECT count() FROM (SELECT number, max(toString(number)) FROM numbers(3000000) GROUP BY number)';
const engine = await startAnalyticsEngine([]);

t.test('groups that take more memory than a query may go to disk', { skip: engine === undefined && 'the package chdb is not installed' }, async (t) => {
  const ask = async (settings: object): Promise<unknown[]> => {
    return (await engine!.client.query({ query: many, format: 'JSONCompactEachRow', clickhouse_settings: { max_threads: 1, ...settings } })).json<unknown>();
  };
  const settings = queryMemory(100_000_000);
  await t.rejects(ask({ max_memory_usage: settings.max_memory_usage! }), { code: '241' });
  t.same(await ask(settings), [[3000000]]);
  t.match(settings, { max_temporary_data_on_disk_size_for_query: '800000000', min_free_disk_space_for_temporary_data: String(1024 ** 3) });
  await t.rejects(ask({ ...settings, max_temporary_data_on_disk_size_for_query: '1000000' }), { code: '396' }, 'what goes there is bounded');
  await t.rejects(ask({ ...settings, min_free_disk_space_for_temporary_data: String(2 ** 60) }), { code: '243' }, 'and leaves room for others');
});

t.test('what passes its room on disk is refused in words', { skip: engine === undefined && 'the package chdb is not installed' }, async (t) => {
  for (const bound of [{ max_temporary_data_on_disk_size_for_query: '1000000' }, { min_free_disk_space_for_temporary_data: String(2 ** 60) }]) {
    // The engine is asked for more than a view of few statements takes.
    const asking = { query: () => engine!.client.query({ query: many, format: 'JSONCompact', clickhouse_settings: { max_threads: 1, ...queryMemory(100_000_000), ...bound } }) };
    const service = createAnalyticsService({ client: asking as unknown as ClickHouseClient, prepareTenant: async () => undefined, check: () => undefined });
    const page = service.page('one', loadViews().get('verbs')!, { timezone: 'UTC', descendants: false }, { offset: 0, now: Date.UTC(2026, 11, 1) }, 10);
    await t.rejects(page, { code: 'store-unavailable', details: { rule: 'query-limit' } }, Object.keys(bound)[0]!);
  }
});

t.teardown(() => engine?.close());
