import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { createErasureService } from '../admin/erasure-service.js';
import { createExportService } from '../admin/export-service.js';
import { createMetrics } from '../admin/metrics.js';
import { createStatisticsService } from '../admin/statistics-service.js';
import { createStoreChecks } from '../admin/store-checks.js';
import { createTenantService } from '../admin/tenant-service.js';
import { createAttempts } from '../auth/attempts.js';
import { createKeyService } from '../auth/key-service.js';
import { createTokenVerifier } from '../auth/tokens.js';
import { createBackupService } from '../backup/service.js';
import type { Config } from '../config.js';
import { createDocumentService } from '../documents/service.js';
import { lagsOf } from '../feed/consumers.js';
import { createFeed } from '../feed/service.js';
import { createEngineService } from '../query/engine-service.js';
import { createAnalyticsService } from '../query/service.js';
import { createSqlService } from '../query/sql/service.js';
import { createStatementService } from '../statements/service.js';
import { openLevelStorage } from '../storage/leveldb/open.js';
import { createTransferService } from '../transfer/service.js';
import { privateSocketPath } from './private-socket.js';

export { openRestoreTarget } from '../storage/leveldb/backup.js';

/** What the program writes to its log. */
export interface Log {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

export type Services = Awaited<ReturnType<typeof compose>>;

/**
 * Puts the program together: adapters, then the services on top of them. The only place that names an adapter.
 * @throws Error with a sentence for the operator when the store can't be opened
 */
export async function compose(config: Config, log: Log) {
  const storage = await openLevelStorage({
    directory: config.dataDir,
    minFreeBytes: config.minFreeBytes,
    onState: (state, reason) => (state === 'available'
      ? log.info({}, 'The store takes writes again')
      : log.error({ err: reason }, 'The store takes no writes; it is tried again until it does')),
  });
  const { statements: store, canonical, documents, attachments, records } = storage;
  const homePage = config.publicUrl ?? `http://${isIPv6(config.host) ? `[${config.host}]` : config.host}:${config.port}`;
  const tenants = createTenantService({ records });
  const feed = createFeed(store);
  const listTenants = async (): Promise<string[]> => {
    const ids: string[] = [];
    for (let page = await tenants.list(); page.length > 0; page = await tenants.list(ids.at(-1))) ids.push(...page.map(({ id }) => id));
    return ids;
  };
  const engine = createEngineService({
    feed, statements: store, listTenants, log, analytics: config.analytics, clickhouseUrl: config.clickhouseUrl,
    directory: join(config.dataDir, 'analytics'), socketPath: await privateSocketPath(config.dataDir, 'analytics.sock'),
    memoryBytes: config.analyticsMemoryBytes, queryBytes: config.analyticsQueryBytes, timeout: config.analyticsTimeout,
  });
  const consumers = [engine.consumer];
  const metrics = createMetrics({ head: async () => Math.max(0, ...await Promise.all((await listTenants()).map((tenant) => store.head(tenant)))), lags: () => lagsOf(consumers) });
  const keys = createKeyService({ records, attempts: createAttempts(), homePage });
  const tokens = createTokenVerifier({
    jwtSecret: config.jwtSecret, jwtPublicKey: config.jwtPublicKey, jwtIssuer: config.jwtIssuer, jwtAudience: config.jwtAudience,
    jwtAllowAdmin: config.jwtAllowAdmin, homePage, tenantExists: (tenant) => tenants.exists(tenant),
  });
  const erasures = createErasureService({ records, tenants, statements: store, canonical, documents, attachments, log });
  const statements = createStatementService({ store, attachments, count: (outcome, count) => metrics.statements(outcome, count) });
  return {
    storage, homePage, tenants, metrics, keys, tokens, erasures, statements,
    documents: createDocumentService({ documents, maxDocumentBytes: config.maxDocumentBytes, maxDepth: config.maxDepth, now: Date.now }),
    feed, engine, consumers,
    analytics: createAnalyticsService({ client: engine.client, check: () => engine.check() }),
    sql: createSqlService({ client: engine.client, keys, tokens, prepareTenant: (tenant) => engine.prepareTenant(tenant), executionTime: config.analyticsTimeout, memory: config.analyticsQueryBytes }),
    transfer: createTransferService({ service: statements, store, attachments, maxDepth: config.maxDepth, maxLineBytes: config.maxBodyBytes, maxAttachmentBytes: config.maxAttachmentBytes }),
    backup: createBackupService({ store: storage.backup, statements: store, attachments, tenants }),
    exports: createExportService({ statements: store, documents, attachments }),
    statistics: createStatisticsService({ statements: store, attachments }),
    checks: createStoreChecks({ statements: store, records }),
    close: async () => {
      await engine.close();
      await erasures.close();
      await storage.close();
    },
  };
}
