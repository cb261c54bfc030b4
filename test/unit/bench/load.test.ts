import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { load, type LoadRequest } from '../../../bench/load.js';
import type { Target } from '../../../bench/scenario.js';

async function serve(t: Test, listener: RequestListener): Promise<Target> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { name: 'a server', url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/xapi`, authorization: 'Basic abc', version: '1.0.3' };
}

t.test('each request is made anew and arrives as it was made; all are answered before it ends', async (t) => {
  const received: string[] = [];
  let headers: Record<string, unknown> = {};
  const target = await serve(t, (request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => { body += text; }).on('end', () => {
      headers = request.headers;
      received.push(`${request.method} ${request.url} ${body}`);
      setTimeout(() => response.end(body), 20);
    });
  });
  let made = 0;
  const sample = await load({
    target, connections: 4, seconds: 0.3, statementsPerRequest: 10,
    request: (): LoadRequest => ({ method: 'POST', path: `/statements?n=${++made}`, headers: { 'Content-Type': 'application/json' }, body: Buffer.from(`"ä${made}"`) }),
    expect: (status, body, request) => status === 200 && body === request.body!.toString(),
  });
  t.equal(sample.wrong, 0);
  t.equal(sample.fault, undefined);
  t.equal(sample.answered, made);
  t.equal(new Set(received).size, made, 'none was sent twice');
  t.ok(received.includes(`POST /xapi/statements?n=${made} "ä${made}"`));
  t.match(headers, { authorization: 'Basic abc', 'x-experience-api-version': '1.0.3', 'content-type': 'application/json' });
  t.ok(sample.p50 >= 19 && sample.p99 >= sample.p50 && sample.max >= sample.p99, `${sample.p50} ms`);
  t.ok(Math.abs(sample.rate - (10 * made) / sample.seconds) < 1e-6);
});

t.test('wrong answers are counted, with a reason', async (t) => {
  let turn = 0;
  const target = await serve(t, (_request, response) => {
    response.statusCode = ++turn % 2 === 0 ? 500 : 200;
    response.end('an answer');
  });
  const sample = await load({ target, connections: 2, seconds: 0.2, request: () => ({ method: 'GET', path: '/about' }), expect: 200 });
  t.ok(sample.wrong > 0 && Math.abs(sample.wrong - sample.answered) <= 1, `${sample.wrong} and ${sample.answered}`);
  t.match(sample.fault, 'GET /about was answered 500: an answer');
});

t.test('a lost connection is a wrong answer', async (t) => {
  let turn = 0;
  const target = await serve(t, (request, response) => {
    if (++turn % 3 === 0) request.socket.destroy();
    else setTimeout(() => response.end(), 5);
  });
  const sample = await load({ target, connections: 2, seconds: 0.3, request: () => ({ method: 'GET', path: '/about' }), expect: 200, timeout: 1 });
  t.ok(sample.wrong > 0);
  t.ok(sample.fault);
});

t.test('at a given rate, requests are evenly spaced, and a stand-still shows in the latency', async (t) => {
  let until = 0;
  const arrivals: number[] = [];
  const target = await serve(t, (_request, response) => {
    arrivals.push(performance.now());
    if (arrivals.length === 20) until = performance.now() + 300;
    setTimeout(() => response.end(), Math.max(0, until - performance.now()));
  });
  const sample = await load({ target, connections: 2, seconds: 1, requestsPerSecond: 100, request: () => ({ method: 'GET', path: '/about' }), expect: 200 });
  t.ok(sample.answered > 80 && sample.answered <= 103, `${sample.answered} requests`);
  t.equal(sample.wrong, 0);
  const spread = arrivals.slice(1, 15).map((at, index) => at - arrivals[index]!);
  t.ok(Math.max(...spread) < 100, 'no bursts');
  t.ok(sample.p99 > 150, `those that waited for their turn count: ${sample.p99} ms`);
});

t.test('where nobody listens it ends, and all is wrong', async (t) => {
  const target: Target = { name: 'none', url: 'http://127.0.0.1:1', authorization: '', version: '1.0.3' };
  const sample = await load({ target, connections: 2, seconds: 0.2, request: () => ({ method: 'GET', path: '/about' }), expect: 200, timeout: 1 });
  t.equal(sample.answered, 0);
  t.ok(sample.wrong > 0);
});

t.test('a request that is begun late, since the load tool itself was held up, took from when it was due', async (t) => {
  const target = await serve(t, (_request, response) => void response.end());
  setTimeout(() => {
    for (const until = performance.now() + 700; performance.now() < until;);
  }, 100);
  const sample = await load({ target, connections: 100, seconds: 1, requestsPerSecond: 100, request: () => ({ method: 'GET', path: '/about' }), expect: 200 });
  t.ok(sample.p50 > 50, `${sample.p50} ms`);
});

t.test('a request that is never answered took as long as it was waited for', async (t) => {
  let turn = 0;
  const target = await serve(t, (_request, response) => void (++turn % 10 === 0 || response.end()));
  const sample = await load({ target, connections: 2, seconds: 0.3, timeout: 1, request: () => ({ method: 'GET', path: '/about' }), expect: 200 });
  t.ok(sample.wrong > 0);
  t.ok(sample.max >= 1000, `${sample.max} ms`);
});
