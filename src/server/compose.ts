import { isIPv6 } from 'node:net';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createErasureService, ERASURES } from '../admin/erasure-service.js';
import { createExportService } from '../admin/export-service.js';
import { createMetrics } from '../admin/metrics.js';
import { createStatisticsService } from '../admin/statistics-service.js';
import { createStoreChecks } from '../admin/store-checks.js';
import { createTenantService } from '../admin/tenant-service.js';
import { createAttempts } from '../auth/attempts.js';
import { createKeyService } from '../auth/key-service.js';
import { createTokenVerifier } from '../auth/tokens.js';
import { createBackupService } from '../backup/service.js';
import { createCmi5Service, lmsAuthority } from '../cmi5/service.js';
import type { Config } from '../config.js';
import { createDocumentService } from '../documents/service.js';
import { announcing } from '../feed/announce.js';
import { createCheckpoints } from '../feed/checkpoints.js';
import { createConsumerService } from '../feed/consumer-service.js';
import { lagsOf, type Consumer } from '../feed/consumers.js';
import { createDeadLetters } from '../feed/dead-letters.js';
import { createFeed } from '../feed/service.js';
import { createInProcessJobs } from '../jobs/in-process-jobs.js';
import { createLeaseBook } from '../jobs/leases.js';
import { engineScope } from '../query/engine-scope.js';
import { createEngineService } from '../query/engine-service.js';
import { createAnalyticsService } from '../query/service.js';
import { createSqlService } from '../query/sql/service.js';
import { createOwnStatements } from '../statements/own-statements.js';
import { createPreparation } from '../statements/preparation.js';
import { createStatementService } from '../statements/service.js';
import { noTracing, type Tracing } from '../tracing/tracing.js';
import { createTransferService } from '../transfer/service.js';
import { failureCode } from './log.js';
import { observed, type Observe } from './observed.js';
import { privateSocketPath } from './private-socket.js';
import { openStorage } from './storage.js';

/** What the program writes to its log. */
export interface Log {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

export type Services = Awaited<ReturnType<typeof compose>>;

/** Milliseconds for which a process believes what it knows of keys and tenants that other processes may change. */
const TRUST = 2000;
/** Threads that prepare statements: more of them prepare more than one writer takes. */
const MOST_THREADS = 4;
/** Milliseconds that work in the background has to come to an end by itself when the server closes. */
const GRACE = 1000;

/**
 * Puts the program together: the store, then the services on top of it.
 * @throws Error with a sentence for the operator when the store can't be opened
 */
export async function compose(config: Config, log: Log, tracing: Tracing = noTracing) {
  const metrics = createMetrics({
    head: async () => Math.max(0, ...await Promise.all((await listTenants()).map((tenant) => storage.statements.head(tenant)))),
    lags: () => lagsOf(consumers),
    storeAvailable: () => storage.available(),
    redisAvailable: () => (config.redisUrl === undefined ? undefined : jobs.state().status === 'ok'),
  });
  /** Times the calls of the store, and makes them parts of the trace that is under way. */
  const observe: Observe = async (name, tenant, work) => {
    const begun = performance.now();
    let failure: string | undefined;
    try {
      return await tracing.part(name, { 'quipu.tenant': tenant }, work);
    } catch (error) {
      failure = failureCode(error);
      throw error;
    } finally {
      metrics.storeOperation(name, (performance.now() - begun) / 1000, failure);
    }
  };
  const storage = await openStorage(config, {
    onState: (state, reason) => (state === 'available'
      ? log.info({}, 'The store takes writes again')
      : log.error({ err: reason }, 'The store takes no writes; it is tried again until it does')),
    onFault: (error) => log.error({ err: error }, 'Work of the store in the background failed; it is tried again'),
    onSettled: (outcome) => metrics.settled(outcome),
  });
  const { canonical, attachments, records } = storage;
  const documents = observed(storage.documents, 'documents', ['get', 'put', 'delete', 'list', 'deleteAll'], observe);
  const watched = observed(storage.statements, 'statements', ['append', 'get', 'find', 'feed', 'erase'], observe);
  const shared = config.mongodbUrl !== undefined;
  const trust = shared ? TRUST : Infinity;
  let stopListening = (): void => undefined;
  const homePage = config.publicUrl ?? `http://${isIPv6(config.host) ? `[${config.host}]` : config.host}:${config.port}`;
  const tenants = createTenantService({ records, trust });
  const listTenants = (): Promise<string[]> => tenants.ids();
  const leases = createLeaseBook({ records, shared });
  const onRun = (name: string, outcome: 'done' | 'more' | 'failed'): void => metrics.job(name, outcome);
  const jobs = config.redisUrl === undefined ? createInProcessJobs({ log, onRun }) : (await import('../jobs/bull-jobs.js')).createBullJobs({ url: config.redisUrl, log, onRun });
  const checkpoints = createCheckpoints({ records, leases });
  const letters = createDeadLetters({ records });
  const wakeConsumers = (tenant: string): void => {
    for (const consumer of consumers) consumer.wake(tenant);
  };
  // Through Redis each process tells of what it has stored itself; without it each that works listens to the store.
  const store = config.redisUrl === undefined ? watched : announcing(watched, wakeConsumers);
  const feed = createFeed(store);
  const ownEngine = shared && config.clickhouseUrl === undefined;
  const directory = join(config.dataDir, 'analytics');
  const engine = createEngineService({
    feed, statements: store, listTenants, checkpoints, leases, jobs, log, tracing, sharedStore: shared, clickhouseUrl: config.clickhouseUrl,
    // An embedded engine is filled and asked by one process.
    analytics: ownEngine && config.role !== 'all' ? 'off' : config.analytics,
    ...(ownEngine && config.role === 'all' ? { scope: await engineScope(directory) } : {}),
    directory, socketPath: await privateSocketPath(config.dataDir, 'analytics.sock'),
    memoryBytes: config.analyticsMemoryBytes, queryBytes: config.analyticsQueryBytes, timeout: config.analyticsTimeout,
  });
  const consumers: Consumer[] = [engine.consumer];
  const keys = createKeyService({ records, attempts: createAttempts(), homePage, trust, count: (how) => metrics.credential(how) });
  const tokens = createTokenVerifier({
    jwtSecret: config.jwtSecret, jwtPublicKey: config.jwtPublicKey, jwtIssuer: config.jwtIssuer, jwtAudience: config.jwtAudience,
    jwtAllowAdmin: config.jwtAllowAdmin, homePage, tenantExists: (tenant) => tenants.exists(tenant), trust,
  });
  const preparation = createPreparation({
    keyHash: store.keyHash, threads: config.threads ?? Math.min(MOST_THREADS, availableParallelism() - 1), maxDepth: config.maxDepth, maxBatch: config.maxBatch,
    onFault: (error) => log.error({ err: error }, 'A thread that prepares statements has ended or could not be started; statements are prepared without it until another one is'),
  });
  const statements = createStatementService({ store, attachments, preparation, count: (outcome, count) => metrics.statements(outcome, count) });
  const cmi5 = createCmi5Service({
    records, statements: store, documents, content: storage.content, feed, homePage, maxPackageBytes: config.maxPackageBytes, shared,
    prepare: createOwnStatements(store.keyHash, lmsAuthority(homePage)), stateGrace: config.cmi5StateGrace * 1000,
    idle: config.cmi5Idle * 1000, listTenants,
    onFault: (error, doing) => log.error({ err: error }, `cmi5 could not ${doing}`),
    count: (event) => metrics.cmi5(event),
  });
  for (const job of cmi5.jobs) jobs.define(job);
  const featureRecords = cmi5.learnerRecords;
  const erasures = createErasureService({ records, tenants, jobs, leases, statements: store, canonical, documents, attachments, featureRecords, log });
  return {
    cmi5,
    storage, homePage, tenants, metrics, keys, tokens, erasures, statements,
    documents: createDocumentService({ documents, maxDocumentBytes: config.maxDocumentBytes, maxDepth: config.maxDepth, now: Date.now }),
    feed, engine, leases, jobs,
    consumers: createConsumerService({ consumers, checkpoints, letters, listTenants }),
    analytics: createAnalyticsService({ client: engine.client, check: () => engine.check(), prepareTenant: (tenant) => engine.prepareTenant(tenant) }),
    sql: createSqlService({ client: engine.client, keys, tokens, prepareTenant: (tenant) => engine.prepareTenant(tenant), executionTime: config.analyticsTimeout, memory: config.analyticsQueryBytes }),
    transfer: createTransferService({ service: statements, store, attachments, maxDepth: config.maxDepth, maxLineBytes: config.maxBodyBytes, maxAttachmentBytes: config.maxAttachmentBytes }),
    backup: createBackupService({ store: storage.backup, statements: store, attachments, content: storage.content, listTenants }),
    exports: createExportService({ statements: store, documents, attachments, featureRecords }),
    statistics: createStatisticsService({ statements: store, attachments }),
    checks: createStoreChecks({ statements: store, records }),
    faults: () => storage.faults?.() ?? Promise.resolve([]),
    /**
     * Begins to run consumers and other work in the background, unless the role leaves that to others.
     * @param network false when this process only serves one command: then it carries out erasures and nothing else
     */
    work: (network: boolean) => {
      if (network) engine.start();
      if (config.role === 'api') return;
      jobs.start(network ? undefined : [ERASURES]);
      if (network && config.redisUrl === undefined) stopListening = feed.subscribe(wakeConsumers);
    },
    close: async () => {
      stopListening();
      const ended = jobs.close();
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, GRACE).unref())]);
      // What the engine has not answered is shipped again after the next start.
      await engine.close();
      await ended;
      await preparation.close();
      await storage.close();
    },
  };
}
