import t from 'tap';
import { oneStatement } from '../../../src/query/engine/statement-text.js';

t.test('one statement is taken without its semicolon', async (t) => {
  t.match(oneStatement('SELECT 1'), { sql: 'SELECT 1', verb: 'SELECT', format: undefined });
  t.match(oneStatement(' -- what\n/* ; */ select 1 ; -- end\n ; '), { sql: 'select 1 ', verb: 'SELECT' });
  t.match(oneStatement('SELECT \';\', "a;b", `c;`, \'it\\\';\', \'x\'\';\''), { verb: 'SELECT' });
  t.match(oneStatement("SELECT 1 FORMAT JSONEachRow"), { format: 'JSONEachRow' });
  t.match(oneStatement('SELECT 1 FORMAT JSON SETTINGS max_threads = 1'), { format: 'JSON' });
});

t.test('the rows of an INSERT are not looked at', async (t) => {
  const sql = 'INSERT INTO t FORMAT JSONEachRow\n{"a":"it\'s; DROP"}\n';
  t.equal(oneStatement(sql).sql, sql);
});

t.test('a second statement and what has no end are refused', async (t) => {
  for (const text of ['SELECT 1; SELECT 2', 'SELECT 1;;x', "INSERT INTO t VALUES (';'); DROP TABLE t", "SELECT '", 'SELECT /* ', 'SELECT `a']) {
    t.throws(() => oneStatement(text), { code: 62 }, text);
  }
});
