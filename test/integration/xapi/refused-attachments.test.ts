import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startServer } from '../server.js';

t.test('bytes that came twice with a refused statement do not stay', async (t) => {
  const server = await startServer(t);
  const content = 'twice'.repeat(20_000);
  const sha2 = createHash('sha256').update(content).digest('hex');
  const post = (verb: string, attached: boolean) => server.request('statements', {
    method: 'POST', headers: { 'Content-Type': 'multipart/mixed; boundary=b' },
    body: ['--b', 'Content-Type: application/json', '', JSON.stringify({
      id: '00000000-0000-4000-8000-000000000000', actor: { mbox: 'mailto:ann@example.org' }, verb: { id: `https://example.org/${verb}` }, object: { id: 'https://example.org/it' },
      ...(attached && { attachments: [{ usageType: 'https://example.org/file', display: { en: 'File' }, contentType: 'text/plain', length: content.length, sha2 }] }),
    }), ...(attached ? [1, 2] : []).flatMap(() => ['--b', 'Content-Type: text/plain', 'Content-Transfer-Encoding: binary', `X-Experience-API-Hash: ${sha2}`, '', content]), '--b--', ''].join('\r\n'),
  });
  t.equal((await post('did', false)).status, 200);
  t.equal((await post('did-else', true)).status, 409);
  t.same(readdirSync(join(server.dataDir, 'attachments'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()), []);
});

t.test('bytes that came with a refused statement do not stay', async (t) => {
  const server = await startServer(t);
  const statement = (content: string, name: string, number: number) => ({
    id: `00000000-0000-4000-8000-00000000000${number}`, actor: { mbox: 'mailto:ann@example.org' }, verb: { id: 'https://example.org/did' }, object: { id: `https://example.org/${name}` },
    attachments: [{ usageType: 'https://example.org/file', display: { en: 'File' }, contentType: 'text/plain', length: content.length, sha2: createHash('sha256').update(content).digest('hex') }],
  });
  const post = (content: string, name: string, number: number) => server.request('statements', {
    method: 'POST', headers: { 'Content-Type': 'multipart/mixed; boundary=b' },
    body: ['--b', 'Content-Type: application/json', '', JSON.stringify(statement(content, name, number)), '--b', 'Content-Type: text/plain', 'Content-Transfer-Encoding: binary',
      `X-Experience-API-Hash: ${statement(content, name, number).attachments[0]!.sha2}`, '', content, '--b--', ''].join('\r\n'),
  });
  const files = (): string[] => readdirSync(join(server.dataDir, 'attachments'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map(({ name }) => name);
  const count = async (): Promise<number> => (await server.request('/v1/tenants/default/statistics', { key: server.admin })).json<{ attachments: { count: number } }>().attachments.count;

  for (const [size, index] of [[1, 0], [20_000, 1]] as const) {
    const name = `object-${size}`;
    const [kept, fresh] = ['kept'.repeat(size), 'new bytes'.repeat(size)];
    t.equal((await post(kept, name, index)).status, 200);
    t.equal((await post(fresh, 'other', index)).status, 409);
    t.equal(await count(), index + 1);
    t.equal((await post(kept, 'other', index)).status, 409);
    t.equal(await count(), index + 1, 'what a stored statement names stays');
  }
  t.same(files(), [createHash('sha256').update('kept'.repeat(20_000)).digest('hex')], 'small ones are no files');
});
