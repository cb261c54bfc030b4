import Fastify from 'fastify';
import t from 'tap';
import { cmi5ConsolePlugin } from '../../../../src/cmi5/console/plugin.js';
import { listProjectFiles } from '../../docs/project-files.js';

t.test('the page of courses and sessions', async (t) => {
  const app = Fastify();
  await app.register(cmi5ConsolePlugin, { prefix: '/console' });
  t.teardown(() => app.close());
  const page = await app.inject('/console/cmi5');
  const scripts = listProjectFiles('src/cmi5/console', '.js').map((path) => path.split('/').at(-1)!);
  const files = new Map(await Promise.all([...scripts, 'console.css'].map(async (name) => [name, await app.inject(`/console/cmi5/${name}`)] as const)));

  t.test('comes under a policy that lets nothing foreign or inline run', async (t) => {
    for (const [name, { statusCode, headers }] of [['the page', page] as const, ...files]) {
      t.equal(statusCode, 200, name);
      t.match(headers['content-security-policy'], /default-src 'none'; script-src 'self'; style-src 'self'.*frame-ancestors 'none'/);
      t.notMatch(headers['content-security-policy'], /unsafe/);
      t.equal(headers['x-content-type-options'], 'nosniff');
    }
    t.notMatch(page.body, /<script(?! src="cmi5\/console\.js" type="module"><\/script>)|<style|\son\w+=|\sstyle=|https?:/);
  });

  t.test('takes nothing for markup and keeps nothing', async (t) => {
    for (const name of scripts) t.notMatch(files.get(name)!.body, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|localStorage|sessionStorage|document\.cookie/, name);
  });

  t.test('every module that is imported is served', async (t) => {
    for (const name of scripts) {
      for (const [, imported] of files.get(name)!.body.matchAll(/from '\.\/([\w.-]+)'/g)) t.ok(files.has(imported!), `${name} imports ${imported}`);
    }
  });

  t.test('every element that a script asks for is in the page', async (t) => {
    for (const name of scripts) {
      for (const [, id] of files.get(name)!.body.matchAll(/byId\('([\w-]+)'\)/g)) t.match(page.body, `id="${id}"`, `${name}: ${id}`);
    }
  });
});
