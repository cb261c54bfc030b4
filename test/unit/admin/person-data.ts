import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { DocumentResource } from '../../../src/documents/store.js';
import type { LevelStorage } from '../../../src/storage/leveldb/open.js';
import { agentIdentifier } from '../../../src/xapi/actors.js';
import type { Actor, Attachment } from '../../../src/xapi/types.js';
import type { NewStatement } from '../../../src/statements/store.js';

export const tenant = 'one';
export const ann: Actor = { objectType: 'Agent', name: 'Ann Example', mbox: 'mailto:ann@example.org' };
export const bob: Actor = { objectType: 'Agent', name: 'Bob', mbox: 'mailto:bob@example.org' };

/** Stores bytes and describes them as an attachment. */
export async function attach(storage: LevelStorage, content: Buffer | string, usageType = 'https://example.org/use'): Promise<Attachment> {
  const bytes = Buffer.from(content);
  const sha2 = createHash('sha256').update(bytes).digest('hex');
  const staged = await storage.attachments.stage(tenant, sha2, Readable.from([bytes]), 1 << 26);
  await staged.commit();
  staged.release();
  return { usageType, display: { en: 'x' }, contentType: 'text/plain', length: bytes.length, sha2 };
}

export async function append(storage: LevelStorage, ...batch: NewStatement[]): Promise<void> {
  const result = await storage.statements.append(tenant, batch);
  if (result.status !== 'stored') throw new Error(`statement ${result.index} is a conflict`);
}

export async function putDocument(storage: LevelStorage, resource: DocumentResource, agent: Actor, id: string, content: Buffer, contentType: string): Promise<void> {
  const key = { resource, agent: agentIdentifier(agent), id, ...(resource === 'state' && { activity: 'https://example.org/activities/thing' }) };
  const document = { key, content, contentType, etag: createHash('sha1').update(content).digest('hex'), updated: Date.now() };
  await storage.documents.put(tenant, document, { kind: 'any' });
}

/** Everything on the disk of the store, as text to look for things in. */
export async function dump(storage: LevelStorage): Promise<string> {
  const parts: string[] = [];
  for await (const chunk of storage.backup.dump()) parts.push(chunk.toString('latin1'));
  return parts.join('\n');
}
