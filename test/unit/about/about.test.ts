import t from 'tap';
import { openResourceApp } from '../documents/resource-app.js';

t.test('About (xAPI 1.0.3 Part Three 2.8, IEEE 9274.1.1 4.1.6.7)', async (t) => {
  const { app, send } = await openResourceApp(t);
  const answer = await send({ path: '/about', method: 'GET' });
  t.equal(answer.statusCode, 200);
  t.equal(answer.headers['content-type'], 'application/json');
  const about = answer.json();
  t.strictSame(Object.keys(about).sort(), ['extensions', 'version'], 'no other properties');
  t.ok(about.version.includes('2.0.0') && about.version.includes('1.0.3'));
  t.ok(about.version.every((version: string) => /^(1|2)\.0\.\d$/.test(version)));
  t.match(about.extensions, { 'urn:quipu:about': { name: 'Quipu', version: '9.8.7' } });

  const bare = await app.inject({ method: 'GET', url: '/about' });
  t.equal(bare.body, answer.body, 'without any header');
  t.equal((await send({ path: '/about', method: 'GET', headers: { 'if-none-match': String(answer.headers.etag) } })).statusCode, 304);
  const head = await send({ path: '/about', method: 'HEAD' });
  t.strictSame([head.statusCode, head.body, head.headers.etag], [200, '', answer.headers.etag]);
});
