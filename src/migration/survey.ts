import { createHash } from 'node:crypto';
import type { DocumentKey } from '../documents/store.js';
import type { Position } from '../statements/store.js';
import type { MigrationCounts, MigrationEntry, MigrationSource } from './store.js';

/** What a source holds, and where to look when it is compared. */
export interface Survey {
  digest: string;
  /** Of entries, attachments and packages. */
  bytes: number;
  statements: number;
  attachments: number;
  /** By tenant, the server's own (`''`) among them. */
  tenants: Map<string, TenantSurvey>;
}

/** What a tenant holds. */
export interface TenantSurvey {
  counts: MigrationCounts;
  /** Some places in the log. */
  positions: Position[];
  documents: DocumentKey[];
}

/** Most places in a tenant's log, and most of its documents, that are compared; and of all tenants together. */
const SAMPLE = 20;
const SAMPLE_OF_ALL = 2000;

/**
 * Reads all of the source once.
 * @param tenants that exist, also without any entry
 * @param fits whether the target can hold an entry
 * @param onEntry called with the number of statements so far
 * @throws Error with a sentence for the operator when it can't hold one
 */
export async function surveySource(source: MigrationSource, tenants: readonly string[], fits: (entry: MigrationEntry) => boolean, onEntry: (statements: number) => void): Promise<Survey> {
  const hash = createHash('sha256');
  const survey: Survey = { digest: '', bytes: 0, statements: 0, attachments: 0, tenants: new Map() };
  for (const tenant of tenants) tenantOf(survey, tenant);
  const most = Math.max(1, Math.min(SAMPLE, Math.floor(SAMPLE_OF_ALL / Math.max(1, tenants.length))));
  for await (const { at, bytes, entry } of source.entries()) {
    hash.update(lengths(at, bytes)).update(at).update(bytes);
    survey.bytes += bytes.length;
    if (!fits(entry)) throw new Error(`${entry.kind === 'statement' ? `The statement ${entry.statement.id}` : 'An entry'} of tenant ${entry.tenant} has ${bytes.length} bytes, more than the database has room for: this data folder can't be migrated.`);
    if (entry.kind === 'statement') survey.statements++;
    count(tenantOf(survey, entry.tenant), entry, most);
    onEntry(survey.statements);
  }
  for (const [tenant, { counts }] of survey.tenants) {
    if (tenant === '') continue;
    for await (const { length } of source.attachments.list(tenant)) {
      counts.attachments++;
      counts.attachmentBytes += length;
      survey.attachments++;
      survey.bytes += length;
    }
    for await (const id of source.content.list(tenant)) {
      const length = await source.content.length(tenant, id) ?? 0;
      counts.packages++;
      counts.packageBytes += length;
      survey.bytes += length;
    }
  }
  survey.digest = hash.digest('hex');
  return survey;
}

function count({ counts, positions, documents }: TenantSurvey, entry: MigrationEntry, most: number): void {
  switch (entry.kind) {
    case 'statement':
      counts.statements++;
      if (entry.statement.voided) counts.voided++;
      sample(positions, entry.statement.position, counts.statements + counts.erasures, most);
      break;
    case 'erasure':
      counts.erasures++;
      sample(positions, entry.position, counts.statements + counts.erasures, most);
      break;
    case 'definition':
      counts.definitions++;
      break;
    case 'record':
      counts.records++;
      break;
    case 'document':
      counts.documents++;
      sample(documents, entry.document.key, counts.documents, most);
  }
}

/** Keeps the first one and some of the others, each with the same chance. */
function sample<T>(kept: T[], one: T, number: number, most: number): void {
  if (kept.length < most) {
    kept.push(one);
    return;
  }
  const place = Math.floor(Math.random() * number);
  if (place > 0 && place < most) kept[place] = one;
}

function tenantOf({ tenants }: Survey, tenant: string): TenantSurvey {
  let found = tenants.get(tenant);
  if (!found) tenants.set(tenant, found = { counts: { statements: 0, voided: 0, erasures: 0, definitions: 0, documents: 0, records: 0, attachments: 0, attachmentBytes: 0, packages: 0, packageBytes: 0 }, positions: [], documents: [] });
  return found;
}

/** So that the same bytes in other pieces have another digest. */
function lengths(...parts: Buffer[]): Buffer {
  const bytes = Buffer.allocUnsafe(parts.length * 4);
  for (const [index, part] of parts.entries()) bytes.writeUInt32BE(part.length, index * 4);
  return bytes;
}
