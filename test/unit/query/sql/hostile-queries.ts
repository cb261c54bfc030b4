/** A query that must not do what it tries. */
export interface HostileQuery {
  query: string;
  /** ClickHouse's codes with which it may be refused; 0: it is answered, with nothing of others in it. */
  codes: number[];
  /** Parameters of the URL. */
  url?: Record<string, string>;
}

const denied = [497];
const readonly = [164];
const syntax = [62];

const all = (codes: number[], ...queries: string[]): HostileQuery[] => queries.map((query) => ({ query, codes }));

/** Hostile queries by what they try. */
export const hostileQueries: Readonly<Record<string, HostileQuery[]>> = {
  'rows of others': [
    ...all(denied,
      'SELECT * FROM quipu.statement_log', 'SELECT * FROM `quipu`.`statement_log`', 'SELECT * FROM "quipu"."statement_log"', 'SELECT * FROM quipu_b_c.statements', 'SELECT * FROM/**/quipu/**/./**/statement_log',
      'WITH x AS (SELECT * FROM quipu.statement_log) SELECT * FROM x', 'SELECT (SELECT groupArray(response) FROM quipu.statement_log)', 'SELECT 1 WHERE EXISTS (SELECT 1 FROM quipu.statement_log)',
      "SELECT count() FROM statements WHERE response IN (SELECT response FROM quipu.statement_log)", 'SELECT 1 IN quipu.statement_log', 'SELECT in(1, quipu.statement_log)', 'SELECT 1 GLOBAL NOT IN quipu_b_c.statements',
      'SELECT 1 UNION ALL SELECT position FROM quipu.statement_log', 'SELECT 1 INTERSECT SELECT position FROM quipu.statement_log', 'SELECT 1 EXCEPT (SELECT position FROM quipu_b_c.statements)',
      'SELECT * FROM statements AS a JOIN quipu.statement_log AS b ON a.position = b.position', 'SELECT * FROM statements, quipu.statement_log', 'SELECT * FROM statements CROSS JOIN (SELECT * FROM quipu.statement_log)',
      'SELECT sum(1) OVER (PARTITION BY (SELECT max(response) FROM quipu.statement_log)) FROM statements', 'SELECT * FROM statements ORDER BY (SELECT max(response) FROM quipu_b_c.statements)',
      'SELECT 1 LIMIT (SELECT count() FROM quipu.statement_log)', 'SELECT arrayMap(x -> (SELECT max(response) FROM quipu.statement_log), [1])', 'EXPLAIN SELECT * FROM quipu.statement_log',
      'EXPLAIN QUERY TREE SELECT (SELECT max(response) FROM quipu.statement_log)', 'DESCRIBE TABLE quipu.statement_log', 'DESCRIBE (SELECT * FROM quipu.statement_log)', 'SHOW CREATE TABLE quipu.statement_log',
      'SHOW CREATE TABLE quipu_b_c.statements', 'WITH quipu.statement_log AS t SELECT count() FROM t', 'SELECT * FROM quipu.tenant_databases', 'SELECT * FROM quipu.migrations', 'SELECT * FROM default.x', 'SELECT * FROM _temporary_and_external_tables.x',
      'SELECT * FROM quipusys_b_c.tables', 'FROM quipu.statement_log SELECT response', 'WITH RECURSIVE r AS (SELECT response FROM quipu.statement_log UNION ALL SELECT response FROM r) SELECT * FROM r'),
    { query: 'SELECT * FROM {d:Identifier}.{t:Identifier}', url: { param_d: 'quipu', param_t: 'statement_log' }, codes: denied },
    { query: 'SELECT (SELECT groupArray(name) FROM {d:Identifier}.{t:Identifier})', url: { param_d: 'system', param_t: 'tables' }, codes: denied },
    { query: 'SELECT * FROM {t:Identifier}', url: { param_t: 'quipu.statement_log' }, codes: [60, 497] },
    { query: 'SELECT * FROM statement_log', url: { database: 'quipu' }, codes: [81] },
    { query: 'SELECT * FROM tables', url: { database: 'system' }, codes: [81] },
    ...all([81], 'USE quipu', 'USE quipu_b_c', 'SHOW CREATE DATABASE quipu_b_c'),
    ...all([60], 'SELECT * FROM statement_log'),
  ],
  'rows of others by errors that tell of them': all([0],
    "SELECT count() FROM statements WHERE toInt64(response) = 7", "SELECT count() FROM statements WHERE intDiv(1, actor_name != 'topsecret') = 1", 
    'SELECT count() FROM statements AS a JOIN statements AS b ON toInt64(a.response) = toInt64(b.response)', 'SELECT max(toInt64(response)) FROM statements WHERE toInt64(response) > 0 GROUP BY verb',
    "SELECT position FROM statements WHERE toInt64(response) > 0 AND timestamp > '2020-01-01' ORDER BY timestamp DESC LIMIT 1",
    "SELECT count() FROM statements WHERE tenant IN ('acme', 'b-c') AND toInt64(response) = 7 AND 1", 'SELECT count() FROM statements WHERE NOT voids AND toInt64(response) = 7', 'SELECT DISTINCT tenant FROM statements'),
  'names of others': all([0],
    'SHOW DATABASES', "SHOW TABLES FROM quipu_b_c", 'SHOW TABLES FROM quipu', 'SHOW TABLES FROM system', "SHOW DATABASES LIKE '%'", 'SHOW COLUMNS FROM statement_log FROM quipu', 'SELECT name FROM system.databases',
    'SELECT database, name, create_table_query FROM system.tables', 'SELECT DISTINCT database, table FROM system.columns', 'SELECT table_schema, table_name FROM information_schema.tables', 'SELECT schema_name FROM INFORMATION_SCHEMA.SCHEMATA',
    'SELECT * FROM information_schema.views', 'EXISTS TABLE quipu_b_c.statements', 'EXISTS DATABASE quipu_b_c', 'EXISTS VIEW quipu_b_c.topsecret_view', 'SELECT * FROM system.processes', 'SELECT * FROM system.users', 'SELECT * FROM system.parts',
    'SELECT * FROM SYSTEM.tables', "SHOW TABLES WHERE name IN (SELECT name FROM system.tables WHERE database = 'quipu_b_c')", 'SELECT * FROM `system`.`tables`', 'SELECT * FROM system.clusters').map((hostile) => (
    hostile.query.includes('system.users') ? { ...hostile, codes: [0, 497] } : hostile)),
  'secrets of the engine': all(denied,
    'SELECT * FROM system.query_log', 'SELECT * FROM system.server_settings', 'SELECT * FROM system.named_collections', 'SELECT * FROM system.disks', 'SELECT * FROM system.stack_trace', 'SELECT * FROM system.symbols',
    'SELECT * FROM system.certificates', 'SELECT * FROM system.events', 'SELECT * FROM system.errors', 'SELECT * FROM system.asynchronous_metrics', 'SELECT * FROM system.storage_policies', 'SHOW PROCESSLIST', 'SHOW GRANTS', 'SHOW ACCESS', 'SHOW USERS',
    'SHOW ENGINES', 'SELECT hostName()', 'SELECT fqdn()', 'SELECT serverUUID()', 'SELECT getServerPort(\'tcp_port\')', 'SELECT getSetting(\'max_threads\')', "SELECT getServerSetting('path')", "SELECT getMacro('x')", 'SELECT uptime()', 'SELECT buildId()',
    "SELECT getMergeTreeSetting('x')", 'SELECT filesystemAvailable()', 'SELECT demangle(\'a\')', 'SELECT addressToLine(1)', 'SELECT tid()', 'SELECT getOSKernelVersion()', "SELECT hasColumnInTable('quipu', 'statement_log', 'text')", 'SELECT showCertificate()', 'SELECT authenticatedUser()', "SELECT getClientHTTPHeader('X')"),
  'files and the network': [
    ...all(denied,
      "SELECT file('/etc/passwd')", "SELECT FILE('/etc/passwd')", "SELECT `file`('/etc/passwd')", "SELECT * APPLY(file) FROM (SELECT '/etc/passwd')", "SELECT * APPLY(x -> file(x)) FROM (SELECT '/etc/passwd')", "SELECT COLUMNS('.*') APPLY file FROM (SELECT '/etc/passwd' AS a)",
      "SELECT * FROM file('/etc/passwd', 'LineAsString')", "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')", "SELECT * FROM s3('http://127.0.0.1:1/b/k', 'CSV', 'a String')", "SELECT * FROM remote('127.0.0.1:1', system.one)",
      "SELECT * FROM remoteSecure('127.0.0.1:1', system.one)", "SELECT * FROM cluster('default', quipu.statement_log)", "SELECT * FROM clusterAllReplicas('default', system.one)", "SELECT * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
      "SELECT * FROM postgresql('127.0.0.1:1', 'a', 'b', 'c', 'd')", "SELECT * FROM mongodb('127.0.0.1:1', 'a', 'b', 'c', 'd', 'e String')", "SELECT * FROM sqlite('/tmp/x', 'a')", "SELECT * FROM jdbc('a', 'b')", "SELECT * FROM odbc('a', 'b')",
      "SELECT * FROM redis('127.0.0.1:1', 'k', 'k String')", "SELECT * FROM hdfs('hdfs://127.0.0.1/x', 'CSV', 'a String')", "SELECT * FROM executable('x', 'CSV', 'a String')", "SELECT * FROM dictionary('x')", "SELECT * FROM merge('quipu.*', '.*')",
      "SELECT * FROM view(SELECT * FROM quipu.statement_log)", "SELECT * FROM viewIfPermitted(SELECT 1 ELSE null('a Int8'))", "SELECT * FROM input('a String')", "SELECT * FROM loop(quipu.statement_log)", "SELECT * FROM mergeTreeIndex(quipu, statement_log)",
      "SELECT * FROM deltaLake('http://127.0.0.1:1/')", "SELECT * FROM iceberg('http://127.0.0.1:1/')", "SELECT * FROM azureBlobStorage('x', 'y', 'z')", "SELECT * FROM filesystem('/etc')", "SELECT * FROM generateRandom('a String')", "SELECT * FROM format('CSV', 'a')",
      "DESCRIBE TABLE file('/etc/passwd')", "DESCRIBE TABLE url('http://127.0.0.1:1/')", "DESC s3('http://127.0.0.1:1/b/k')", "DESCRIBE remote('127.0.0.1:1', system.one)", "EXPLAIN SELECT file('/etc/passwd')", "EXPLAIN AST SELECT * FROM url('http://127.0.0.1:1/')",
      "SELECT * FROM values('a String', (file('/etc/passwd')))", "SELECT * FROM numbers(length(file('/etc/passwd')))", "SELECT if(0, file('/etc/passwd'), 'a')", "SELECT arrayMap(x -> file(x), ['/etc/passwd'])", "WITH x -> file(x) AS f SELECT f('/etc/passwd')",
      "SELECT 1 LIMIT length(file('/etc/passwd'))", "SELECT 1 ORDER BY file('/etc/passwd') WITH FILL", "SELECT dictGet('a', 'b', 1)", "SELECT dictGetString('a', 'b', 1)", "SELECT dictHas('a', 1)", "SELECT joinGet('quipu.x', 'y', 1)", "SELECT catboostEvaluate('/etc/passwd', 1)",
      "SELECT aiGenerate('a')", "SELECT evalMLMethod(1, 2)", "SELECT MACStringToOUI('a')", "SELECT regionToName(1)", "SELECT sleep(3)", 'SELECT sleepEachRow(1) FROM numbers(10)', "SELECT throwIf(1)", "SELECT logTrace('a')", "SELECT chdb('SELECT 1')"),
    ...all([358, 62], "SELECT * FROM statements INTO OUTFILE '/tmp/quipu-hostile-outfile'", "SELECT 1 INTO OUTFILE '/tmp/quipu-hostile-outfile' TRUNCATE FORMAT CSV", "SELECT 1 UNION ALL SELECT 2 INTO OUTFILE '/tmp/quipu-hostile-outfile'"),
    ...all([73], 'SELECT 1 FORMAT Template', 'SELECT 1 FORMAT Protobuf', 'SELECT 1 FORMAT CustomSeparated', 'SELECT 1 FORMAT MySQLWire', 'SELECT 1 FORMAT SQLInsert'),
  ],
  'expressions in the structures of table functions': [
    ...all(denied,
      ...["x String ALIAS file('/etc/passwd')", "x String DEFAULT file('/etc/passwd')", "x String MATERIALIZED file('/etc/passwd')", "x String EPHEMERAL file('/etc/passwd')", "x ALIAS file('/etc/passwd')", "x DEFAULT(file('/etc/passwd'))", "a UInt8, x String ALIAS hostName()", 'x UInt8 ALIAS sleep(1)',
        "`x` String  alias\tfile('/etc/passwd')", "x Enum('a)' = 1, 'b(') ALIAS file('/etc/passwd')", "x Enum8('\\\\' = 1) ALIAS file('/etc/passwd')", "x String /* */ ALIAS file('/etc/passwd')", 'x String CODEC(NONE)', 'x String TTL now()', 'CONSTRAINT c CHECK file()', 'INDEX i (file(1)) TYPE minmax', '',
        "`a'` String ALIAS file('/etc/passwd'), `c'` String", "`a'` String ALIAS hostName(), `c'` String", "`a\\\\'` String ALIAS hostName(), `c'` String", '"a\'" String ALIAS hostName(), "c\'" String', "x $$'$$ String ALIAS hostName(), y $$'$$ String", "x Decimal(10 --) \\n, 2) ALIAS hostName()", "x Array(String) ALIAS Array(hostName())"]
        .flatMap((structure) => [`SELECT * FROM values('${structure.replace(/'/g, "\\'")}', (1))`, `SELECT * FROM null('${structure.replace(/'/g, "\\'")}')`]),
      "SELECT x FROM `values`('a UInt8, x String ALIAS file(\\'/etc/passwd\\')', (1))", "SELECT x FROM VALUES('x String ALIAS file(\\'/etc/passwd\\')', (1))", "SELECT x FROM values(concat('x String ALIAS ', 'file()'), (1))", "SELECT x FROM values('x String' || ' ALIAS file()', (1))",
      "SELECT x FROM values((SELECT 'x String ALIAS file()'), (1))", "WITH 'x String ALIAS file()' AS s SELECT x FROM values(s, (1))", 'SELECT * FROM values((1, 2))', "SELECT (SELECT x FROM values('a UInt8, x String ALIAS hostName()', (1)))", "DESCRIBE (SELECT x FROM null('x UInt8 DEFAULT toUInt8(file(\\'/etc/passwd\\'))'))",
      "EXPLAIN SELECT x FROM values('a UInt8, x String ALIAS hostName()', (1))"),
    { query: 'SELECT x FROM values({s:String}, (1))', url: { param_s: "a UInt8, x String ALIAS file('/etc/passwd')" }, codes: denied },
    { query: "SELECT 1 AS v FORMAT Null", codes: [0] },
    ...all([0], "SELECT * FROM values('name String, points Nullable(UInt8)', ('Ann', 3), ('Bob', NULL))", "SELECT * FROM values('`a b` Enum8(\\'x)\\' = 1), m Map(String, Array(Float64)), d DateTime64(3, \\'UTC\\'), n Decimal(10, 2)', ('x)', map(), 0, 1.5))", "SELECT count() FROM null('a UInt8')"),
    ...all(denied, 'SELECT arrayLevenshteinDistance([1], [2])', 'SELECT arrayLevenshteinDistanceWeighted([1], [2], [1.], [1.])', 'SELECT arraySimilarity([1], [2], [1.], [1.])'),
  ],
  'writing and ruling': [
    ...all(readonly,
      "INSERT INTO statements VALUES (1)", "INSERT INTO FUNCTION file('/tmp/quipu-hostile-outfile', 'CSV') SELECT 1", "INSERT INTO quipu.statement_log SELECT * FROM quipu.statement_log", 'CREATE TABLE x (a Int8) ENGINE = Memory', 'CREATE TEMPORARY TABLE x (a Int8)',
      'CREATE VIEW x AS SELECT * FROM quipu.statement_log', 'CREATE DATABASE x', 'CREATE FUNCTION f AS (x) -> x', "CREATE NAMED COLLECTION x AS a = 'b'", 'DROP TABLE statements', 'DROP DATABASE quipu', 'ALTER TABLE quipu.statement_log DELETE WHERE 1', 'TRUNCATE TABLE quipu.statement_log',
      'RENAME TABLE statements TO x', 'OPTIMIZE TABLE quipu.statement_log FINAL', 'DETACH TABLE statements', 'DELETE FROM quipu.statement_log WHERE 1', "UPDATE quipu.statement_log SET text = '' WHERE 1", "ATTACH TABLE x FROM '/tmp' (a Int8) ENGINE = Memory", 'GRANT ALL ON *.* TO default', 'EXCHANGE TABLES statements AND verbs', 'UNDROP TABLE x'),
    ...all([497, 164, 62], 'KILL QUERY WHERE 1', 'SYSTEM SHUTDOWN', 'SYSTEM FLUSH LOGS', 'SYSTEM DROP DNS CACHE', "BACKUP DATABASE quipu TO File('/tmp/quipu-hostile-outfile')", "RESTORE DATABASE quipu FROM File('/tmp/x')", 'CREATE USER x', 'SET ROLE x', 'CHECK TABLE statements', 'WATCH statements',
      'BEGIN TRANSACTION', 'EXECUTE AS x SELECT 1', 'SELECT 1 PARALLEL WITH SELECT 2', 'EXPLAIN INSERT INTO statements VALUES (1)', 'EXPLAIN CURRENT TRANSACTION', 'EXPLAIN ESTIMATE SELECT * FROM statements', 'EXPLAIN PLAN indexes = 1 SELECT * FROM statements', "EXPLAIN TABLE OVERRIDE file('/etc/passwd')", 'EXPLAIN EXPLAIN SELECT 1',
      'EXTERNAL DDL FROM x CREATE TABLE y (a Int8)', 'CREATE ROW POLICY x ON statements USING 1', 'DESCRIBE CACHE x', 'SHOW SETTING max_threads'),
  ],
  'settings': [
    ...all([164, 452], 'SELECT 1 SETTINGS readonly = 0', 'SELECT 1 SETTINGS max_execution_time = 0', 'SELECT 1 SETTINGS max_memory_usage = 0', 'SELECT * FROM (SELECT 1 SETTINGS max_result_rows = 0)', 'SELECT 1 FORMAT JSON SETTINGS readonly = 0', 'SELECT 1 SETTINGS allow_ddl = 1',
      'SELECT 1 SETTINGS allow_introspection_functions = 1', "SELECT 1 SETTINGS format_schema = '/etc/passwd'", "SELECT 1 SETTINGS output_format_schema = '/tmp/quipu-hostile-outfile'", "SELECT 1 SETTINGS log_queries = 0, user_files_path = '/'", 'SELECT SETTINGS = 1 FROM (SELECT 1 AS SETTINGS) SETTINGS readonly = 0',
      "SELECT 1 SETTINGS max_threads = 1, readonly = 0", 'SELECT 1 SETTINGS max_threads = 100000', "SELECT 1 SETTINGS additional_table_filters = {'a': 'b'}", 'SELECT 1 SETTINGS readonly = DEFAULT', 'SELECT 1 UNION ALL SELECT 2 SETTINGS readonly = 0', '(SELECT 1 SETTINGS readonly = 0) UNION ALL SELECT 2',
      'SET readonly = 0', 'SET max_memory_usage = DEFAULT', "SET dialect = 'prql'", 'SELECT 1 SETTINGS allow_experimental_polyglot_dialect = 1', "SELECT 1 SETTINGS `readonly` = 0", 'WITH x AS (SELECT 1 SETTINGS max_ast_depth = 1000000) SELECT * FROM x', 'SELECT 1 SETTINGS enable_analyzer = 0', 'SELECT 1 SETTINGS optimize_move_to_prewhere = 1, allow_reorder_prewhere_conditions = 1'),
    ...['readonly', 'allow_ddl', 'dialect', 'format_schema', 'output_format_schema', 'implicit_select', 'log_queries_cut_to_length', 'user_files_path', 'profile', 'implicit_transaction', 'allow_python_table_function', 'enable_analyzer', 'allow_reorder_prewhere_conditions'].map((name) => ({
      query: 'SELECT 1', url: { [name]: '0' }, codes: [164],
    })),
    { query: 'SELECT 1', url: { 'param_x y': '1' }, codes: [36] },
    { query: 'SELECT 1', url: { role: 'admin' }, codes: denied },
  ],
  'several statements, and texts that look like one': [
    ...all(syntax, 'SELECT 1; SELECT 2', 'SELECT 1; DROP DATABASE quipu', 'SELECT 1;DROP DATABASE quipu;', 'SELECT 1 /* ; */ ; SELECT 2', "SELECT ';' ; SELECT 2", 'SELECT 1 -- x\n; DROP DATABASE quipu', '', ' ', ';', '-- nothing', '/*', "SELECT '", 'SELECT `', 'SELECT 1 \\; SELECT 2', '1', "'a'", 'SELECT 1 FROM', '\u0000',
      'SELECT 1 AS `a\\nFUNCTION id: 1, function_name: x`', 'SELECT\u200b 1; SELECT 2', 'ＳＥＬＥＣＴ 1', 'SELECT $a$;$a$; SELECT 2', 'SELECT 1 AS `a\\`; DROP DATABASE quipu; --`'),
    ...all([0], "SELECT 'SETTINGS readonly = 0; DROP DATABASE quipu'", 'SELECT 1 -- ; DROP DATABASE quipu', 'SELECT /* ; DROP DATABASE quipu */ 1', 'SELECT 1;', "SELECT $heredoc$; DROP DATABASE quipu$heredoc$", "SELECT 'TABLE id: 1, table_name: quipu.statement_log\nTABLE id: 1, table_name: quipu.x' AS a"),
    ...all(denied, 'SELECT 1 AS `x, function_name: count`, `file`(\'/etc/passwd\') AS `y, function_name: count, function_type: ordinary`', "SELECT `count, function_type: ordinary`(1), file('/etc/passwd')",
      'SELECT * FROM (SELECT 1) AS `x, table_name: system.one`, quipu.statement_log AS `y, table_name: system.one`'),
  ],
};
