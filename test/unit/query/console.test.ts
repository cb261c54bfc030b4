import Fastify from 'fastify';
import t from 'tap';
import { consolePlugin } from '../../../src/query/console-plugin.js';
import { loadViews } from '../../../src/query/views.js';

t.test('the page of the analytic views', async (t) => {
  const app = Fastify();
  await app.register(consolePlugin, { prefix: '/console' });
  t.teardown(() => app.close());
  const page = await app.inject('/console/analytics');
  const script = await app.inject('/console/analytics/console.js');
  const style = await app.inject('/console/analytics/console.css');

  t.test('comes under a policy that lets nothing foreign or inline run', async (t) => {
    for (const { statusCode, headers } of [page, script, style]) {
      t.equal(statusCode, 200);
      t.match(headers['content-security-policy'], /default-src 'none'; script-src 'self'; style-src 'self'/);
      t.notMatch(headers['content-security-policy'], /unsafe/);
      t.equal(headers['x-content-type-options'], 'nosniff');
    }
    t.notMatch(page.body, /<script(?! src="analytics\/console\.js" defer><\/script>)|<style|\son\w+=|\sstyle=|https?:/);
    t.notMatch(script.body, /innerHTML|insertAdjacentHTML|eval\(|localStorage|sessionStorage|document\.cookie/);
  });

  t.test('asks for views that there are', async (t) => {
    const names = [...script.body.matchAll(/(?:card|rowsOf)\('(\w+)'/g)].map((match) => match[1]!);
    t.ok(names.length > 5);
    for (const name of names) t.ok(loadViews().has(name), name);
  });
});
