import t from 'tap';
import { startServer } from '../../integration/server.js';

interface Operation {
  summary?: string;
  description?: string;
  security?: object[];
  requestBody?: { content: object };
  responses: Record<string, { content?: object }>;
}

interface OpenApi {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
}

t.test('the page under /docs and what it loads, all made at the first request', async (t) => {
  const server = await startServer(t);
  const [json, page] = await Promise.all([server.request('/docs/json'), server.request('/docs')]);
  t.equal(json.status, 200);
  t.match(json.headers['content-type'], /^application\/json/);
  const { openapi, paths } = json.json<OpenApi>();
  t.match(openapi, /^3\.1/);
  for (const [path, method] of [['/v1/keys/', 'post'], ['/v1/backup', 'get'], ['/health/ready', 'get'], ['/xapi/statements', 'post'], ['/v1/analytics/status', 'get']] as const) {
    t.ok(paths[path]?.[method]?.summary ?? paths[path.replace(/\/$/, '')]?.[method]?.summary, `${method} ${path}`);
  }
  t.notOk(Object.keys(paths).some((path) => /docs|console|clickhouse/.test(path)), 'what is hidden is not in it');
  t.match(page, { status: 200, text: /swagger-ui/ });
  t.match(await server.request('/docs/yaml'), { status: 200, text: /^openapi: 3\.1/ });

  const css = await server.request('/docs/static/swagger-ui.css');
  t.match(css, { status: 200, headers: { 'content-type': /^text\/css/ } });
  t.match(await server.request('/docs/static/swagger-ui.css', { headers: { 'If-None-Match': css.headers.etag as string } }), { status: 304, text: '' });
  const head = await server.request('/docs/json', { method: 'HEAD' });
  t.match(head, { status: 200, text: '', headers: { 'content-length': String(json.bytes.length) } });
  t.match((await server.request('/docs/json', { headers: { 'Accept-Encoding': 'gzip' } })).headers, { 'content-encoding': 'gzip' });
});

t.test('what is not there is refused as everywhere', async (t) => {
  const server = await startServer(t);
  for (const path of ['/docs/nothing', '/docs/static/nothing.js', '/docs/static/..%2f..%2fpackage.json', '/docs/v1/keys', '/docs/xapi/statements']) {
    const answer = await server.request(path);
    t.equal(answer.status, 404, path);
    t.match(answer.json(), { error: 'not-found', requestId: String }, path);
  }
});

t.test('every operation says who may call it, what it takes, what it gives and what it refuses', async (t) => {
  const server = await startServer(t);
  const { paths } = (await server.request('/docs/json')).json<OpenApi>();
  for (const [path, operations] of Object.entries(paths).filter(([one]) => one.startsWith('/v1/'))) {
    for (const [method, { description, security, responses }] of Object.entries(operations)) {
      const name = `${method} ${path}`;
      t.match(description, /Scope: `|Permission: `|Asks for no credential/, name);
      t.ok(Object.keys(responses).some((status) => status.startsWith('2')), `${name}: an answer`);
      if (security === undefined) for (const status of ['401', '403', '503']) t.ok(responses[status], `${name}: ${status}`);
    }
  }
  t.same(paths['/health/ready']!.get!.security, []);
  t.same(Object.keys(paths['/v1/statements/import']!.post!.requestBody!.content), ['application/x-ndjson']);
  t.same(Object.keys(paths['/v1/statements/export']!.get!.responses['200']!.content!), ['application/x-ndjson']);
  t.ok(paths['/v1/keys']?.get?.responses['404'] ?? paths['/v1/keys/']?.get?.responses['404'], 'a tenant may not be there');
});
