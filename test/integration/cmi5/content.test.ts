import { connect } from 'node:net';
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { fetchUrl, startContentServer } from './content-server.js';
import type { ZipFile } from './write-zip.js';

const page = '<!doctype html><title>AU</title><script src="js/au.js"></script>'.repeat(20);
const video = Buffer.from(Array.from({ length: 5000 }, (_, index) => index % 251));
const files: ZipFile[] = [
  { name: 'cmi5.xml', data: '<courseStructure/>' },
  { name: 'au/index.html', data: page },
  { name: 'au/other.html', data: page },
  { name: 'au/js/au.js', data: 'console.log("ü");' },
  { name: 'au/video.mp4', data: video, stored: true },
  { name: 'au/deflated.mp4', data: video },
  { name: 'au/empty.txt', data: '' },
  { name: 'au/ü b?.css', data: 'p{}' },
];
const launch = `?endpoint=x&fetch=${encodeURIComponent(fetchUrl)}&actor=%7B%7D`;
const navigation = { 'Sec-Fetch-Mode': 'navigate', Accept: 'text/html,application/xhtml+xml' };
const minutes = (count: number): number => Date.now() - count * 60_000;

t.test('files are served with their type, and with nothing that would let them out', async (t) => {
  const server = await startContentServer(t, files);
  for (const [file, type] of [['au/index.html', 'text/html'], ['au/js/au.js', 'text/javascript'], ['au/video.mp4', 'video/mp4'], ['au/%C3%BC%20b%3F.css', 'text/css'], ['au/empty.txt', 'text/plain'], ['au//./js/../js/au.js', 'text/javascript']] as const) {
    const { status, headers, bytes } = await server.get(file);
    t.equal(status, 200, file);
    t.equal(headers['content-type'], type, file);
    t.equal(headers['content-length'], String(bytes.length), file);
    t.equal(headers['x-content-type-options'], 'nosniff');
    t.equal(headers['referrer-policy'], 'no-referrer');
    t.equal(headers['origin-agent-cluster'], '?1');
    t.match(headers['content-security-policy'], /^default-src \* data: blob: ws: wss: 'unsafe-inline' 'unsafe-eval'$/);
    for (const name of ['set-cookie', 'access-control-allow-origin', 'access-control-allow-credentials', 'service-worker-allowed']) t.notHas(headers, { [name]: String }, `${file}: no ${name}`);
  }
  t.strictSame((await server.get('au/video.mp4')).bytes, video);
  t.equal((await server.get('au/index.html')).text, page);

  t.test('a HEAD has the headers of the GET', async (t) => {
    for (const headers of [{}, { 'Accept-Encoding': 'gzip' }]) {
      const [got, head] = [await server.get('au/index.html', { headers }), await server.get('au/index.html', { method: 'HEAD', headers })];
      t.equal(head.status, 200);
      t.equal(head.bytes.length, 0);
      for (const name of ['content-length', 'content-type', 'etag', 'cache-control', 'content-encoding', 'vary']) t.equal(head.headers[name], got.headers[name], name);
    }
    t.equal((await server.get('au/none.html', { method: 'HEAD' })).status, 404);
  });

  t.test('a service worker can be no other than one of the package', async (t) => {
    const { status, headers } = await server.get('au/js/au.js', { headers: { 'Service-Worker': 'script', 'Sec-Fetch-Dest': 'serviceworker', 'Sec-Fetch-Mode': 'same-origin' } });
    t.equal(status, 200);
    t.notHas(headers, { 'service-worker-allowed': String }, 'its scope is the folder of its path');
  });

  t.test('other methods are refused before their body is read', async (t) => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']) {
      const answer = await server.get('au/index.html', { method, ...(method === 'POST' && { body: 'x'.repeat(100_000), headers: { 'Content-Type': 'x/y' } }) });
      t.equal(answer.status, 405, method);
      t.equal(answer.headers.allow, 'GET, HEAD', method);
    }
  });
});

t.test('ranges', async (t) => {
  const server = await startContentServer(t, files);
  for (const file of ['au/video.mp4', 'au/deflated.mp4']) {
    for (const [range, start, end] of [['bytes=0-', 0, 5000], ['bytes=100-199', 100, 200], ['bytes=4999-', 4999, 5000], ['bytes=-10', 4990, 5000], ['bytes=4000-9999', 4000, 5000]] as const) {
      const { status, headers, bytes } = await server.get(file, { headers: { Range: range, 'Accept-Encoding': 'gzip' } });
      t.equal(status, 206, `${file} ${range}`);
      t.equal(headers['content-range'], `bytes ${start}-${end - 1}/5000`);
      t.equal(headers['content-encoding'], undefined);
      t.strictSame(bytes, video.subarray(start, end), `${file} ${range}`);
    }
    const { status, headers, json } = await server.get(file, { headers: { Range: 'bytes=5000-' } });
    t.equal(status, 416);
    t.equal(headers['content-range'], 'bytes */5000');
    t.equal(headers['cache-control'], 'no-store');
    t.match(json(), { error: 'range-not-satisfiable', requestId: String });
    t.equal((await server.get(file, { headers: { Range: 'bytes=0-1,3-4' } })).bytes.length, 5000, 'several ranges: the whole');
    t.equal((await server.get(file, { method: 'HEAD', headers: { Range: 'bytes=0-1' } })).status, 200, 'a range is for GET');
    const etag = (await server.get(file)).headers.etag!;
    t.equal((await server.get(file, { headers: { Range: 'bytes=0-1', 'If-Range': etag } })).status, 206);
    for (const other of ['"other"', `W/${etag}`, new Date().toUTCString()]) t.equal((await server.get(file, { headers: { Range: 'bytes=0-1', 'If-Range': other } })).status, 200, other);
  }
});

t.test('a file that can not be read any more is an error like others', async (t) => {
  const server = await startContentServer(t, files);
  await server.get('au/js/au.js');
  await server.content.delete(server.grant.tenant, server.grant.package);
  for (const headers of [{}, { 'Accept-Encoding': 'gzip' }, { Range: 'bytes=0-1' }]) {
    const answer = await server.get('au/js/au.js', { headers });
    t.equal(answer.status, 404);
    t.match(answer.json(), { error: 'not-found' });
    t.equal(answer.headers['content-length'], String(answer.bytes.length));
    t.equal(answer.headers['cache-control'], 'no-store');
    for (const name of ['content-encoding', 'content-range', 'etag']) t.equal(answer.headers[name], undefined, name);
  }
});

t.test('what lies deflated in the package is answered so to whoever takes gzip', async (t) => {
  const server = await startContentServer(t, files);
  for (const accepted of ['gzip', 'br;q=1.0, GZIP;q=0.5', '*', 'gzip, deflate, br, zstd']) {
    const { headers, bytes } = await server.get('au/index.html', { headers: { 'Accept-Encoding': accepted } });
    t.equal(headers['content-encoding'], 'gzip', accepted);
    t.equal(headers['content-length'], String(bytes.length));
    t.equal(headers.vary, 'Accept-Encoding');
    t.ok(bytes.length < page.length / 2);
    t.equal(gunzipSync(bytes).toString(), page, 'a gzip stream that is whole');
  }
  for (const refused of ['', 'identity', 'br', 'gzip;q=0', 'gzip;q=0, *', 'identity;q=1, *;q=0']) {
    const { headers, text } = await server.get('au/index.html', { headers: { 'Accept-Encoding': refused } });
    t.equal(headers['content-encoding'], undefined, refused);
    t.equal(headers.vary, 'Accept-Encoding');
    t.equal(text, page);
  }
  t.equal((await server.get('au/video.mp4', { headers: { 'Accept-Encoding': 'gzip' } })).headers['content-encoding'], undefined, 'what is stored as it is comes as it is');
});

t.test('browsers keep files and ask again for pages', async (t) => {
  const server = await startContentServer(t, files);
  t.match((await server.get('au/js/au.js')).headers['cache-control'], /^private, max-age=\d+$/);
  t.equal((await server.get('au/other.html')).headers['cache-control'], 'private, no-cache');
  t.equal((await server.get(`au/index.html${launch}`)).headers['cache-control'], 'no-store', 'the page of a launch is never kept');
  const plain = (await server.get('au/js/au.js')).headers.etag!;
  const packed = (await server.get('au/js/au.js', { headers: { 'Accept-Encoding': 'gzip' } })).headers.etag!;
  t.not(plain, packed);
  for (const tag of [plain, packed, `W/${plain}`, `"x", ${plain}`, '*']) {
    const { status, bytes, headers } = await server.get('au/js/au.js', { headers: { 'If-None-Match': tag } });
    t.equal(status, 304, tag);
    t.equal(bytes.length, 0);
    t.equal(headers.etag, plain);
  }
  t.equal((await server.get('au/js/au.js', { headers: { 'If-None-Match': '"x"' } })).status, 200);
  t.not((await server.get('au/video.mp4')).headers.etag, plain);
});

t.test('nothing else than the package is to be had', async (t) => {
  const server = await startContentServer(t, files);
  const root = (await server.path('x')).slice(0, -1);
  for (const path of [
    '', 'au', 'au/', 'au/js', '.', '..', '../', '../../../../etc/passwd', '..%2f..%2f..%2fetc%2fpasswd', '%2e%2e/%2e%2e/etc/passwd', '..\\..\\etc\\passwd', '..%5c..%5cetc', 'au/index.html%00', '%00', 'au%00/index.html',
    'AU/index.html', 'au/index', 'index.html', 'au/index.html/', 'au/index.html/x', '%c0%ae%c0%ae/x', '%ff', '%', '%zz', '__proto__', 'constructor', 'a'.repeat(40_000), '../'.repeat(5000), '%2e%2e%2f'.repeat(3000), '//etc/passwd', 'au/index.html;x', 'au/*',
  ]) {
    const { status, json, text } = await server.request(root + path, { headers: { Accept: '*/*' } });
    t.ok(status === 404 || status === 400, `${path.slice(0, 60)}: ${status}`);
    t.match(json(), { error: String, message: String, requestId: String });
    t.ok(text.length < 5000, 'and the answer is short');
  }
  t.equal((await server.request(`${root}${'a'.repeat(70_000)}`)).status, 431);
  const [, , signature, session] = root.split('/');
  for (const path of ['/', '/c', '/c/', `/c/${signature}`, `/c/${signature}/`, `/c/${signature}/${session}`, `/c/${signature}x/${session}/au/index.html`, `/c/${session}/${signature}/au/index.html`, '/v1/courses', '/xapi/statements', '/health', '/console/cmi5', '//c/x/y/z', '/c/../c/x', '/%']) {
    const { status } = await server.request(path);
    t.ok(status === 404 || status === 400, `${path}: ${status}`);
  }
});

t.test('raw requests that no client sends', async (t) => {
  const server = await startContentServer(t, files);
  const path = await server.path('au/index.html');
  const answers = (request: string): Promise<string> => new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(server.port, '127.0.0.1', () => socket.end(request));
    socket.on('data', (chunk) => { text += String(chunk); }).on('end', () => resolve(text.slice(0, 12))).on('error', reject);
  });
  t.match(await answers(`GET ${path} HTTP/1.1\r\nConnection: close\r\n\r\n`), /^HTTP\/1.1 400/, 'no Host');
  t.match(await answers(`GET http://x${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`), /^HTTP\/1.1 40[04]/);
  t.match(await answers(`BREW ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`), /^HTTP\/1.1 400/);
  t.match(await answers(`GET ${path}\0 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`), /^HTTP\/1.1 400/);
});

t.test('files are served while the session is used', async (t) => {
  const server = await startContentServer(t, files);
  const state = { ...server.session! };
  server.session = { ...state, ended: minutes(9) };
  t.equal((await server.get('au/js/au.js')).status, 200, 'and for ten minutes after');
  for (const session of [{ ...state, ended: minutes(11) }, undefined]) {
    const ended = await startContentServer(t, files);
    ended.session = session;
    const asset = await ended.get('au/js/au.js', { headers: { 'Sec-Fetch-Mode': 'no-cors', Accept: '*/*' } });
    t.equal(asset.status, 410);
    t.match(asset.json(), { error: 'launch-ended' });
    t.equal(asset.headers['cache-control'], 'no-store');
    for (const headers of [navigation, { Accept: 'text/html' }]) {
      const shown = await ended.get(`au/index.html${launch}`, { headers });
      t.equal(shown.status, 410);
      t.equal(shown.headers['content-type'], 'text/html; charset=utf-8');
      t.match(shown.headers['content-security-policy'], /^default-src 'none'/);
      t.match(shown.text, /This launch has ended/);
      t.equal(ended.relaunches, 0, 'an address of long ago launches nothing');
    }
  }
});

t.test('the page says where to go, and takes no markup', async (t) => {
  const server = await startContentServer(t, files);
  server.session = { ...server.session!, ended: minutes(11), returnURL: 'https://lms.test/course?a=1&b="><script>alert(1)</script>' };
  const { text } = await server.get('au/index.html', { headers: navigation });
  t.match(text, 'href="https://lms.test/course?a=1&amp;b=&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"');
  t.notMatch(text, /<script/);
  const other = await startContentServer(t, files);
  other.session = { ...other.session!, ended: minutes(11), returnURL: 'javascript:alert(1)' };
  t.notMatch((await other.get('au/index.html', { headers: navigation })).text, /<a /);
  const open = await startContentServer(t, files);
  const missing = await open.request(`${await open.path('x')}%3Cimg%20src=x%3E`, { headers: navigation });
  t.equal(missing.status, 404);
  t.match(missing.text, /There is no such page/);
  t.notMatch(missing.text, /<img/);
});

t.test('a page whose token was fetched leads to a fresh launch', async (t) => {
  const server = await startContentServer(t, files);
  const start = `au/index.html${launch}`;
  const state = { ...server.session! };
  t.equal((await server.get(start, { headers: navigation })).status, 200, 'the first load is served');
  t.equal((await server.get(start, { headers: navigation })).status, 200, 'and every one until the token is fetched');
  server.session = { ...state, fetched: true };

  for (const headers of [navigation, { Accept: navigation.Accept }]) {
    const before = server.relaunches;
    const { status, headers: { location, 'cache-control': cache } } = await server.get(start, { headers });
    t.equal(status, 302);
    t.equal(location, `http://content.test/launch/${before + 1}`);
    t.equal(cache, 'no-store');
    t.equal(server.relaunches, before + 1);
  }

  const before = server.relaunches;
  for (const [name, file, options] of [
    ['another page with the same query', `au/other.html${launch}`, { headers: navigation }],
    ['the start page without launch parameters', 'au/index.html', { headers: navigation }],
    ['a fetch parameter of something else', `au/index.html?fetch=${encodeURIComponent('http://lrs.test/cmi5/fetch/guess')}`, { headers: navigation }],
    ['content that loads its own page', start, { headers: { 'Sec-Fetch-Mode': 'cors', Accept: 'text/html' } }],
    ['the same over plain HTTP', start, { headers: { 'X-Requested-With': 'XMLHttpRequest', Accept: 'text/html, */*; q=0.01' } }],
    ['what asks for anything', start, { headers: { Accept: '*/*' } }],
    ['a HEAD', start, { method: 'HEAD', headers: navigation }],
  ] as const) t.equal((await server.get(file, options)).status, 200, name);
  t.equal((await server.get(start, { headers: { ...navigation, 'Sec-Purpose': 'prefetch;prerender' } })).status, 204, 'a browser that looks ahead launches nothing');
  t.equal(server.relaunches, before);

  server.session = { ...state, ended: minutes(1) };
  t.equal((await server.get(start, { headers: navigation })).status, 302, 'also when the session has just ended and its token was never fetched');
});

t.test('a package has a host of its own', async (t) => {
  const server = await startContentServer(t, files, { url: 'https://*.content.test', env: { QUIPU_TRUST_PROXY: 'true' } });
  const host = `${server.grant.package}.content.test`;
  t.equal((await server.get('au/index.html', { headers: { Host: host } })).status, 200);
  t.equal((await server.get('au/index.html', { headers: { Host: `${host.toUpperCase()}:8081` } })).status, 200);
  t.equal((await server.get('au/index.html', { headers: { 'X-Forwarded-Host': host } })).status, 200, 'behind a proxy');
  for (const other of ['content.test', 'x.content.test', `x.${host}`, `${host}.evil.test`, '127.0.0.1']) {
    const { status, json } = await server.get('au/index.html', { headers: { Host: other } });
    t.equal(status, 421, other);
    t.match(json(), { error: 'misdirected' });
  }
});

t.test('who may frame content', async (t) => {
  const open = await startContentServer(t, files);
  t.notMatch((await open.get('au/index.html')).headers['content-security-policy'], /frame-ancestors/);
  const own = await startContentServer(t, files, { frameAncestors: 'https://lms.test' });
  t.match((await own.get('au/index.html')).headers['content-security-policy'], /; frame-ancestors https:\/\/lms\.test$/);
  const window = await startContentServer(t, files);
  window.session = { ...window.session!, ownWindow: true };
  t.match((await window.get('au/index.html')).headers['content-security-policy'], /; frame-ancestors 'self'$/, 'an AU that asks for a window of its own is not framed');
  t.notMatch((await window.get('au/other.html')).headers['content-security-policy'], /frame-ancestors/);
});
