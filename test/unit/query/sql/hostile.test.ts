import { existsSync } from 'node:fs';
import t from 'tap';
import { secret } from './bi-engine.js';
import { startBiServer } from './bi-server.js';
import { hostileQueries } from './hostile-queries.js';

const server = await startBiServer(t);

t.test('hostile queries are refused and tell nothing', { timeout: 240_000, skip: server === undefined && 'the package chdb is not installed' }, async (t) => {
  const { ask, engine } = server!;
  let count = 0;
  for (const [attempt, queries] of Object.entries(hostileQueries)) {
    await t.test(attempt, { timeout: 120_000 }, async (t) => {
      for (const { query, codes, url } of queries) {
        count++;
        const { code, status, text } = await ask(query, url);
        const name = `${query.slice(0, 120)} ${url ? JSON.stringify(url) : ''}`;
        t.ok(codes.includes(code), `${codes.join(' or ')}: ${name}`, { code, text: text.slice(0, 300) });
        if (code !== 0) t.match(text, new RegExp(`^Code: ${code}\\. DB::Exception: [^]+ \\([A-Z_0-9]+\\) \\(version [0-9.]+ \\(official build\\)\\)\\n$`), 'in ClickHouse\'s form');
        t.equal(status >= 400, code !== 0, 'the status says the same');
        const echoed = query.includes(secret) || query.includes('quipu_b_c') || query.includes('statement_log');
        const told = [...text.matchAll(/topsecret|root:|quipu_b_c|quipusys_b_c/g)].filter((match) => !(code !== 0 || echoed) || match[0] === 'root:' || (match[0] === secret && !query.includes(secret)));
        t.strictSame(told, [], `nothing is told: ${name}`);
      }
    });
  }
  t.ok(count >= 100, `${count} queries`);
  t.notOk(existsSync('/tmp/quipu-hostile-outfile'), 'no file was written');
  const left = await engine.client.query({ query: 'SELECT count() AS rows, (SELECT count() FROM system.databases WHERE startsWith(name, \'quipu\')) AS databases FROM quipu.statement_log', format: 'JSONEachRow' });
  t.strictSame(await left.json(), [{ rows: '80', databases: '5' }].map(() => ({ rows: 80, databases: 4 })), 'everything is as it was');
});
