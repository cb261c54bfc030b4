import { createHash, randomBytes } from 'node:crypto';
import t, { type Test } from 'tap';
import type { Credential } from '../../../src/auth/credential.js';
import { createStatementService } from '../../../src/statements/service.js';
import { writeAttachmentLine } from '../../../src/transfer/attachment-line.js';
import { importLines } from '../../../src/transfer/import-lines.js';
import { openTestStorage } from '../auth/open-keys.js';

const credential: Credential = { tenant: 'one', id: 'k', scopes: new Set(['admin']), authority: { account: { homePage: 'https://example.org', name: 'importer' } } };
const hashOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

function statementLine(number: number, attached: readonly Buffer[] = [], verb = 'did'): Buffer {
  return Buffer.from(`${JSON.stringify({
    id: `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`, actor: { mbox: 'mailto:ann@example.org' }, verb: { id: `https://example.org/${verb}` }, object: { id: 'https://example.org/it' },
    timestamp: '2026-01-01T00:00:00.000Z',
    attachments: attached.map((bytes) => ({ usageType: 'https://example.org/file', display: { en: 'File' }, contentType: 'text/plain', length: bytes.length, sha2: hashOf(bytes) })),
  })}\n`);
}

const attachmentLine = (bytes: Buffer): Buffer => writeAttachmentLine({ sha2: hashOf(bytes), contentType: 'text/plain', offset: 0, length: bytes.length, last: true, bytes });

async function importer(t: Test): Promise<(lines: readonly Buffer[]) => ReturnType<typeof importLines>> {
  const { statements: store, attachments } = await openTestStorage(t);
  const service = createStatementService({ store, attachments, preparation: { prepare: () => t.fail('an import is judged statement by statement') as never, close: async () => undefined }, count: () => undefined });
  return (lines) => importLines({ service, attachments, maxDepth: 100, maxLineBytes: 1 << 20, maxAttachmentBytes: 1 << 20 }, credential, (async function* () { yield Buffer.concat(lines); })());
}

t.test('many attachments come with the statements that name them', async (t) => {
  const run = await importer(t);
  const contents = Array.from({ length: 150 }, () => randomBytes(50));
  t.match(await run(contents.flatMap((bytes, index) => [attachmentLine(bytes), statementLine(index, [bytes])])), { stored: 150, refused: 0 }, 'one each');
  const others = Array.from({ length: 120 }, () => randomBytes(50));
  t.match(await run([statementLine(500), ...others.map(attachmentLine), statementLine(501, others)]), { stored: 2, refused: 0 }, 'all at one statement');
});

for (const bytes of [100, 70_000]) {
  t.test(`bytes that a refused statement names first are there for a later one: ${bytes} bytes`, async (t) => {
    const run = await importer(t);
    await run([statementLine(1, [], 'did-else')]);
    const content = randomBytes(bytes);
    const between = Array.from({ length: 220 }, (_, index) => statementLine(10 + index));
    t.match(await run([attachmentLine(content), statementLine(1, [content]), ...between, statementLine(5, [content])]), { stored: 221, refused: 1 });
  });
}
