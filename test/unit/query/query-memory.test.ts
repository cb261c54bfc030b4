import t from 'tap';
import { queryMemory } from '../../../src/query/query-memory.js';
import { startAnalyticsEngine } from './analytics-engine.js';

const engine = await startAnalyticsEngine([]);

t.test('groups that take more memory than a query may go to disk', { skip: engine === undefined && 'the package chdb is not installed' }, async (t) => {
  const ask = async (settings: object): Promise<unknown[]> => {
    const query = 'SELECT count() FROM (SELECT number, max(toString(number)) FROM numbers(3000000) GROUP BY number)';
    return (await engine!.client.query({ query, format: 'JSONCompactEachRow', clickhouse_settings: { max_threads: 1, ...settings } })).json<unknown>();
  };
  const settings = queryMemory(100_000_000);
  await t.rejects(ask({ max_memory_usage: settings.max_memory_usage! }), { code: '241' });
  t.same(await ask(settings), [[3000000]]);
  t.match(settings, { max_temporary_data_on_disk_size_for_query: '800000000', min_free_disk_space_for_temporary_data: String(1024 ** 3) });
  await t.rejects(ask({ ...settings, max_temporary_data_on_disk_size_for_query: '1000000' }), { code: '396' }, 'what goes there is bounded');
  await t.rejects(ask({ ...settings, min_free_disk_space_for_temporary_data: String(2 ** 60) }), { code: '243' }, 'and leaves room for others');
});

t.teardown(() => engine?.close());
