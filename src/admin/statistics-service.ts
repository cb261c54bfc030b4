import type { AttachmentStore } from '../statements/attachment-store.js';
import type { StatementStore } from '../statements/store.js';

/** How much a tenant holds. Times are ISO 8601 in UTC. */
export interface TenantStatistics {
  /** Statements, voided ones among them. */
  statements: number;
  /** `stored` of the newest statement. */
  newestStored?: string;
  /** Everything stored at or before this can be read. */
  consistentThrough: string;
  attachments: { count: number; bytes: number };
}

/** Counts what tenants hold. */
export interface StatisticsService {
  /** Takes time in proportion to the number of attachments; documents aren't counted, because no store knows their number. */
  of(tenant: string): Promise<TenantStatistics>;
}

/** @param deps the stores that are counted */
export function createStatisticsService(deps: { statements: StatementStore; attachments: AttachmentStore }): StatisticsService {
  return {
    async of(tenant) {
      const [statements, newest] = await Promise.all([
        deps.statements.count(tenant),
        deps.statements.find(tenant, { filters: [], ascending: false, limit: 1, includeVoided: true }),
      ]);
      const attachments = { count: 0, bytes: 0 };
      for await (const { length } of deps.attachments.list(tenant)) {
        attachments.count++;
        attachments.bytes += length;
      }
      const stored = newest.statements[0]?.stored;
      return {
        statements,
        newestStored: stored === undefined ? undefined : new Date(stored).toISOString(),
        consistentThrough: new Date(await deps.statements.consistentThrough(tenant)).toISOString(),
        attachments,
      };
    },
  };
}
