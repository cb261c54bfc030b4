import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startServer } from '../server.js';

t.test('bytes that came with a refused statement do not stay', async (t) => {
  const server = await startServer(t);
  const statement = (content: string, name: string) => ({
    id: '00000000-0000-4000-8000-000000000001', actor: { mbox: 'mailto:ann@example.org' }, verb: { id: 'https://example.org/did' }, object: { id: `https://example.org/${name}` },
    attachments: [{ usageType: 'https://example.org/file', display: { en: 'File' }, contentType: 'text/plain', length: content.length, sha2: createHash('sha256').update(content).digest('hex') }],
  });
  const post = (content: string, name: string) => server.request('statements', {
    method: 'POST', headers: { 'Content-Type': 'multipart/mixed; boundary=b' },
    body: ['--b', 'Content-Type: application/json', '', JSON.stringify(statement(content, name)), '--b', 'Content-Type: text/plain', 'Content-Transfer-Encoding: binary',
      `X-Experience-API-Hash: ${statement(content, name).attachments[0]!.sha2}`, '', content, '--b--', ''].join('\r\n'),
  });
  const files = (): string[] => readdirSync(join(server.dataDir, 'attachments'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map(({ name }) => name);
  const kept = statement('kept', 'one').attachments[0]!.sha2;

  t.equal((await post('kept', 'one')).status, 200);
  t.equal((await post('new bytes', 'other')).status, 409);
  t.same(files(), [kept]);
  t.equal((await post('kept', 'other')).status, 409);
  t.same(files(), [kept], 'what a stored statement names stays');
});
