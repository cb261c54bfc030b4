import t from 'tap';
import { startBiServer } from './bi-server.js';

const server = await startBiServer(t);

/** What BI tools send, in their own words, and what comes back (a part of it, or its number of lines). */
const queries: [tool: string, query: string, expected: RegExp | number][] = [
  ['clickhouse-connect', "SELECT version(), timezone()", /^\d+\.\d+\.\d+\.\d+\tUTC\n$/],
  ['clickhouse-connect', "SELECT name, value, readonly as readonly FROM system.settings", /join_use_nulls\t0\t0\n/],
  ['clickhouse-connect', "SELECT name, value, readonly FROM system.settings WHERE name IN ('max_execution_time', 'readonly') ORDER BY name", /^max_execution_time\t30\t0\nreadonly\t0\t1\n$/],
  ['clickhouse-connect', "SELECT name, type FROM system.columns WHERE database = 'quipu_acme' AND table = 'statements' LIMIT 2", 2],
  ['clickhouse-connect', 'DESCRIBE TABLE `quipu_acme`.`statements` FORMAT TSV', /^tenant\tLowCardinality\(String\)/],
  ['SQLAlchemy', 'SHOW DATABASES', /^quipu_acme\n$/],
  ['SQLAlchemy', 'SHOW TABLES FROM `quipu_acme`', /^statements\nverbs\n$/],
  ['SQLAlchemy', "EXISTS TABLE `quipu_acme`.`statements`", /^1\n$/],
  ['SQLAlchemy', 'SELECT name FROM system.tables WHERE database = \'quipu_acme\' AND engine LIKE \'%View\'', 2],
  ['JDBC', 'SELECT currentUser() AS user, timezone() AS timezone, version() AS version LIMIT 1', /UTC/],
  ['JDBC', "SELECT name AS TABLE_SCHEM, null AS TABLE_CATALOG FROM system.databases WHERE name LIKE '%' ORDER BY name", /^quipu_acme\t/],
  ['JDBC', "SELECT t.database AS TABLE_SCHEM, t.name AS TABLE_NAME, CASE WHEN t.engine LIKE '%View' THEN 'VIEW' WHEN t.is_temporary THEN 'TEMPORARY TABLE' ELSE 'TABLE' END AS TABLE_TYPE, t.comment AS REMARKS FROM system.tables AS t JOIN system.databases AS d ON t.database = d.name WHERE t.database LIKE '%' ORDER BY 1, 2", 2],
  ['JDBC', "SELECT database, table, name, type, toInt32(position) AS ORDINAL_POSITION, numeric_scale, default_expression, comment FROM system.columns WHERE database LIKE 'quipu\\\\_acme' AND table LIKE 'verbs' ORDER BY position", 2],
  ['JDBC', "SELECT name, alias_to FROM system.data_type_families WHERE name = 'String'", 1],
  ['DBeaver', 'SELECT * FROM system.functions WHERE name = \'uniqExact\'', 1],
  ['DBeaver', 'SELECT * FROM system.table_engines', 0],
  ['DBeaver', 'SHOW CREATE TABLE quipu_acme.verbs', /CREATE VIEW quipu_acme\.verbs/],
  ['Metabase', '-- Metabase:: userID: 1 queryType: MBQL queryHash: ab\nSELECT count(*) AS `count` FROM `quipu_acme`.`statements`', /^40\n$/],
  ['Metabase', 'SELECT `source`.`verb` AS `verb`, COUNT(*) AS `count` FROM (SELECT `quipu_acme`.`statements`.`verb` AS `verb` FROM `quipu_acme`.`statements`) AS `source` GROUP BY `source`.`verb` ORDER BY `source`.`verb` ASC', 2],
  ['Metabase', "SELECT toStartOfMonth(`quipu_acme`.`statements`.`timestamp`) AS `timestamp`, uniqExact(`quipu_acme`.`statements`.`actor_id`) AS `count` FROM `quipu_acme`.`statements` WHERE `timestamp` >= parseDateTimeBestEffort('2026-01-01T00:00:00Z') GROUP BY 1 ORDER BY 1 ASC", /\t5\n$/],
  ['Grafana', "SELECT name, database FROM system.tables WHERE database != 'system'", 2],
  ['Grafana', 'DESC TABLE "quipu_acme"."statements"', /verb/],
  ['Grafana', 'SELECT toStartOfInterval(toDateTime(timestamp), INTERVAL 60 second) AS time, count() AS c FROM statements WHERE timestamp >= toDateTime(1700000000) AND timestamp <= toDateTime(1900000000) GROUP BY time ORDER BY time ASC', 2],
  ['Superset', 'SELECT toStartOfDay(toDateTime(`timestamp`)) AS `__timestamp`, count(*) AS `count` FROM `quipu_acme`.`statements` WHERE `timestamp` >= toDateTime(\'2026-01-01 00:00:00\') GROUP BY toStartOfDay(toDateTime(`timestamp`)) ORDER BY `count` DESC LIMIT 10000', 1],
  ['SQL', 'SELECT actor_id, row_number() OVER (PARTITION BY verb ORDER BY timestamp) AS n FROM statements QUALIFY n = 1', 2],
  ['SQL', 'WITH done AS (SELECT actor_id FROM statements WHERE verb = \'completed\') SELECT count() FROM statements WHERE actor_id IN (SELECT actor_id FROM done)', 1],
  ['SQL', 'WITH RECURSIVE r AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM r WHERE x < 5) SELECT sum(x) FROM r', /^15\n$/],
  ['SQL', 'SELECT statement.word::String AS word, JSONExtractString(text, \'word\') FROM statements LIMIT 1', /^plain\tplain\n$/],
  ['SQL', 'SELECT arrayMap(x -> x * 2, [1, 2]), CAST(\'1\' AS Nullable(Int8)), date_trunc(\'day\', now()) <= now(), \'a\' || \'b\', [1, 2][1], (1, 2).2, 1 BETWEEN 0 AND 2', /^\[2,4\]\t1\t1\tab\t1\t2\t1\n$/],
  ['SQL', 'SELECT verb, quantiles(0.5, 0.9)(score_scaled), countIf(score_scaled > 0.5), sumOrNull(score_scaled), uniqExactIf(actor_id, verb = \'completed\') FROM statements GROUP BY GROUPING SETS ((verb), ())', 3],
  ['SQL', '(SELECT 1 AS x) UNION ALL (SELECT 2) UNION DISTINCT SELECT 2 EXCEPT SELECT 3', 2],
  ['SQL', 'SELECT 1 AS x SETTINGS output_format_json_array_of_rows = 1 FORMAT JSONEachRow', /^\[\n\{"x":1\}\n\]\n$/],
  ['SQL', 'EXPLAIN SELECT count() FROM statements', /Aggregating/],
  ['SQL', 'SHOW COLUMNS FROM statements LIKE \'verb\'', 1],
  ['SQL', 'SELECT count() FROM statements SETTINGS max_threads = 1, join_use_nulls = 1 FORMAT CSV', /^40\n$/],
];

t.test('what BI tools send is answered', { timeout: 120_000, skip: server === undefined && 'the package chdb is not installed' }, async (t) => {
  for (const [tool, query, expected] of queries) {
    const { status, text } = await server!.ask(query, { database: 'quipu_acme' });
    const name = `${tool}: ${query.slice(0, 100)}`;
    t.equal(status, 200, name, { text: text.slice(0, 400) });
    if (typeof expected === 'number') t.equal(text.split('\n').length - 1, expected, name, { text: text.slice(0, 400) });
    else t.match(text, expected, name);
  }
});
