import { isDeepStrictEqual } from 'node:util';
import type { FeedEntry } from '../statements/store.js';
import type { MigrationCounts, MigrationPorts, MigrationTarget } from './store.js';
import type { Survey, TenantSurvey } from './survey.js';

/** Both ends of a migration, compared. */
export interface Comparison {
  /** In order of id; the server's own is `''`. */
  tenants: { id: string; source: MigrationCounts; target: MigrationCounts }[];
  /** Statements and documents that were read back. */
  compared: number;
  /** What is not the same, a sentence each, the first few. */
  differences: string[];
}

/** Entries of the feed read back at each place. */
const WINDOW = 50;
const MOST_DIFFERENCES = 20;

/** Counts everything, and reads a sample back through the ports of both. */
export async function compareStores(source: MigrationPorts, target: MigrationTarget, survey: Survey, onTenant: (done: number) => void): Promise<Comparison> {
  const comparison: Comparison = { tenants: [], compared: 0, differences: [] };
  const differs = (sentence: string): void => {
    if (comparison.differences.length < MOST_DIFFERENCES) comparison.differences.push(sentence);
  };
  for (const [id, tenant] of [...survey.tenants].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const found: MigrationCounts = { ...(await target.count(id)), attachments: 0, attachmentBytes: 0, packages: 0, packageBytes: 0 };
    if (id !== '') {
      for await (const { length } of target.attachments.list(id)) {
        found.attachments++;
        found.attachmentBytes += length;
      }
      for await (const packageId of target.content.list(id)) {
        found.packages++;
        found.packageBytes += await target.content.length(id, packageId) ?? 0;
      }
    }
    comparison.tenants.push({ id, source: tenant.counts, target: found });
    for (const name of Object.keys(found) as (keyof MigrationCounts)[]) {
      if (found[name] !== tenant.counts[name]) differs(`${nameOf(id)}: ${name}: ${tenant.counts[name]} in the data folder, ${found[name]} in the database`);
    }
    comparison.compared += await compareLog(source, target, id, tenant, differs) + await compareDocuments(source, target, id, tenant, differs);
    onTenant(comparison.tenants.length);
  }
  return comparison;
}

/** Text, keys, position, `stored` and voiding of statements, and erasures, as the feed and `get` give them. */
async function compareLog(source: MigrationPorts, target: MigrationPorts, tenant: string, { positions }: TenantSurvey, differs: (sentence: string) => void): Promise<number> {
  const seen = new Set<number>();
  for (const position of [...positions].sort((a, b) => a - b)) {
    if (seen.has(position)) continue;
    const ours = await source.statements.feed(tenant, position - 1, WINDOW);
    const theirs = await target.statements.feed(tenant, position - 1, WINDOW);
    if (theirs.length === 0) differs(`${nameOf(tenant)}: nothing can be read from position ${position} on`);
    for (const [index, entry] of ours.slice(0, theirs.length).entries()) {
      seen.add(entry.position);
      if (!isDeepStrictEqual(plain(entry), plain(theirs[index]!))) differs(`${nameOf(tenant)}: the entry at position ${entry.position} differs`);
      if (entry.kind === 'statement' && !isDeepStrictEqual(await source.statements.get(tenant, entry.id), await target.statements.get(tenant, entry.id))) {
        differs(`${nameOf(tenant)}: the statement ${entry.id} differs`);
      }
    }
  }
  return seen.size;
}

async function compareDocuments(source: MigrationPorts, target: MigrationPorts, tenant: string, { documents }: TenantSurvey, differs: (sentence: string) => void): Promise<number> {
  for (const key of documents) {
    if (!isDeepStrictEqual(await source.documents.get(tenant, key), await target.documents.get(tenant, key))) differs(`${nameOf(tenant)}: the ${key.resource} document ${JSON.stringify(key.id)} differs`);
  }
  return documents.length;
}

/** A copy whose members do not depend on the adapter. */
function plain(entry: FeedEntry): FeedEntry {
  return entry.kind === 'erasure' ? entry : { ...entry, keys: Buffer.from(entry.keys) };
}

const nameOf = (tenant: string): string => (tenant === '' ? 'the server itself' : `tenant ${tenant}`);
