import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import type { LoadRequest } from '../../../bench/load.js';
import { peersThatTake, readStatement } from '../../../bench/peer.js';
import type { Target } from '../../../bench/scenario.js';

async function serve(t: Test, name: string, listener: RequestListener): Promise<Target> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { name, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/xapi`, authorization: 'Basic abc', version: '2.0.0' };
}

t.test('a statement is read whether it comes alone or in a list; another one, none, or an error is nothing', async (t) => {
  const answers: [string, number, string, boolean][] = [
    ['alone', 200, '{"id":"a"}', true], ['in a list', 200, '{"statements":[{"id":"a"}]}', true], ['another', 200, '{"id":"b"}', false],
    ['an empty list', 200, '{"statements":[]}', false], ['not found', 404, '{"id":"a"}', false], ['no JSON', 200, 'a', false],
  ];
  for (const [what, status, body, there] of answers) {
    const target = await serve(t, what, (request, response) => {
      const right = request.url === '/xapi/statements?statementId=a' && request.headers['x-experience-api-version'] === '2.0.0' && request.headers.authorization === 'Basic abc';
      response.writeHead(right ? status : 400).end(body);
    });
    t.equal((await readStatement(target, 'a'))?.id, there ? 'a' : undefined, what);
  }
});

t.test('peers that refuse a request are left out and named; each is sent one of its own', async (t) => {
  const received: string[] = [];
  const answering = (name: string, status: number): Promise<Target> => serve(t, name, (request, response) => {
    request.setEncoding('utf8').on('data', (text: string) => received.push(`${name} ${request.method} ${request.url} ${request.headers['content-type']} ${text}`))
      .on('end', () => response.writeHead(status).end(status === 204 ? undefined : 'no attachments here'));
  });
  const peers = [await answering('able', 200), await answering('unable', 400), await answering('silent', 204)];
  const said: string[] = [];
  let made = 0;
  const request = (): LoadRequest => ({ method: 'PUT', path: '/statements?statementId=x', headers: { 'Content-Type': 'application/json' }, body: Buffer.from(`body ${++made}`) });
  const able = await peersThatTake({ peers, say: (text) => said.push(text) }, 'ingest/put', request);
  t.same(able.map(({ name }) => name), ['able', 'silent']);
  t.same(said, ['ingest/put: without unable, which answers 400: no attachments here']);
  const gone = { ...peers[0]!, name: 'gone', url: 'http://127.0.0.1:1/xapi' };
  t.same(await peersThatTake({ peers: [gone], say: (text) => said.push(text) }, 'ingest/put', request), []);
  t.match(said[1], /without gone, which does not answer: .*(ECONNREFUSED|bad port)/);
  t.equal(await readStatement(gone, 'a'), undefined, 'one that does not answer has nothing');
  t.same(received, ['able', 'unable', 'silent'].map((name, index) => `${name} PUT /xapi/statements?statementId=x application/json body ${index + 1}`));
});
