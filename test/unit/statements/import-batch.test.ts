import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import t from 'tap';
import type { Credential } from '../../../src/auth/credential.js';
import { createStatementService } from '../../../src/statements/service.js';
import { parseStatements } from '../../../src/xapi/json-text.js';
import { openTestStorage } from '../auth/open-keys.js';

const credential: Credential = { tenant: 'one', id: 'k', scopes: new Set(['admin']), authority: { account: { homePage: 'https://example.org', name: 'importer' } } };

t.test('an import takes what is good, keeps its authority, and keeps no bytes that nothing names', async (t) => {
  const storage = await openTestStorage(t);
  const counts: Record<string, number> = {};
  const service = createStatementService({ store: storage.statements, attachments: storage.attachments, preparation: { prepare: () => t.fail('an import is judged statement by statement') as never, close: async () => undefined }, count: (outcome, count) => { counts[outcome] = (counts[outcome] ?? 0) + count; } });
  const attachment = (content: string) => ({ usageType: 'https://example.org/file', display: { en: 'File' }, contentType: 'text/plain', length: content.length, sha2: createHash('sha256').update(content).digest('hex') });
  const statement = (number: number, more: object) => ({ id: `00000000-0000-4000-8000-00000000000${number}`, actor: { mbox: 'mailto:ann@example.org' }, verb: { id: 'https://example.org/did' }, object: { id: 'https://example.org/it' }, ...more });
  const own = { account: { homePage: 'https://other.example.org', name: 'other' } };
  const body = [
    statement(1, { authority: own, attachments: [attachment('good')] }),
    statement(2, { attachments: [attachment('of a refused one')], result: { success: 'yes' } }),
    statement(3, { version: '2.0.0', context: { contextAgents: [{ objectType: 'contextAgent', agent: { mbox: 'mailto:bob@example.org' } }] } }),
    statement(1, { verb: { id: 'https://example.org/else' }, attachments: [] }),
  ];
  const staged = await Promise.all(['good', 'of a refused one'].map((content) => storage.attachments.stage('one', attachment(content).sha2, Readable.from([Buffer.from(content)]), 1000)));
  const outcomes = await service.importBatch(credential, parseStatements(Buffer.from(JSON.stringify(body)), { maxDepth: 50, maxStatements: 10 }).items, staged);
  for (const part of staged) await part.discard();

  t.match(outcomes, [{ status: 'stored' }, { status: 'refused', error: { code: 'invalid-statement' } }, { status: 'stored' }, { status: 'refused', error: { code: 'statement-conflict' } }]);
  t.same(counts, { stored: 2, refused: 2 });
  t.same(JSON.parse((await storage.statements.get('one', body[0]!.id))!.text.toString()).authority, own);
  t.same(JSON.parse((await storage.statements.get('one', body[2]!.id))!.text.toString()).authority, credential.authority);
  t.ok(await storage.attachments.has('one', attachment('good').sha2));
  t.notOk(await storage.attachments.has('one', attachment('of a refused one').sha2));
});
