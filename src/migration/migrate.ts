import type { MigrationEntry, MigrationOrigin, MigrationProgress, MigrationSource, MigrationTarget } from './store.js';
import { compareStores, type Comparison } from './compare.js';
import { surveySource, type Survey } from './survey.js';

/** How a migration gets on. */
export interface MigrationState {
  phase: 'reading' | 'copying' | 'comparing';
  /** Bytes when copying, otherwise statements and tenants. */
  done: number;
  /** Unknown while reading. */
  total?: number;
  statements: number;
  attachments: number;
}

export interface MigrationDeps {
  source: MigrationSource;
  /**
   * @param origin asked for once the target is found fit; `fits` says whether it can hold an entry
   * @throws Error with a sentence for the operator when it holds anything else than an unfinished migration of the same source
   */
  openTarget(origin: (fits: (entry: MigrationEntry) => boolean) => Promise<MigrationOrigin>): Promise<MigrationTarget>;
  /** Ids of the tenants. */
  tenants: readonly string[];
  onState(state: MigrationState): void;
}

/** What has become of a migration. */
export interface MigrationReport extends Comparison {
  /** Whether it went on with one that had been interrupted. */
  resumed: boolean;
  /** Whether both ends are the same, and the target is a store now. */
  complete: boolean;
}

/** What is taken in at once. */
const BATCH = 500;
const BATCH_BYTES = 4 << 20;
/** Attachments and their bytes after which it is kept how far it is. */
const NOTE_EVERY = 20;
const NOTE_BYTES = 64 << 20;

/**
 * Moves everything from one store to another, or goes on with that; the target becomes a store when both are found the same.
 * The process may be killed at any moment: what was taken in after the last note is taken in again, and changes nothing.
 * @throws Error with a sentence for the operator
 */
export async function migrate({ source, openTarget, tenants, onState }: MigrationDeps): Promise<MigrationReport> {
  let survey: Survey | undefined;
  const target = await openTarget(async (fits) => {
    survey = await surveySource(source, ['', ...tenants], fits, (statements) => onState({ phase: 'reading', done: statements, statements, attachments: 0 }));
    return { salt: source.salt, head: source.head, digest: survey.digest };
  });
  try {
    const progress = { ...target.progress };
    const resumed = progress.after !== '' || progress.afterAttachment !== '';
    const copying = (): void => onState({ phase: 'copying', done: progress.bytes, total: survey!.bytes, statements: progress.statements, attachments: progress.attachments });
    await copyEntries(source, target, progress, copying);
    const logs = [...survey!.tenants.keys()].filter((tenant) => tenant !== '').sort();
    await copyAttachments(source, target, logs, progress, copying);
    await copyPackages(source, target, logs, progress, copying);
    await target.endLogs(logs);
    const comparison = await compareStores(source, target, survey!, (done) => onState({ phase: 'comparing', done, total: survey!.tenants.size, statements: progress.statements, attachments: progress.attachments }));
    const complete = comparison.differences.length === 0;
    if (complete) await target.complete();
    return { ...comparison, resumed, complete };
  } finally {
    await target.close();
  }
}

async function copyEntries(source: MigrationSource, target: MigrationTarget, progress: MigrationProgress, onLoaded: () => void): Promise<void> {
  let batch: MigrationEntry[] = [];
  let bytes = 0;
  let last: Buffer | undefined;
  const load = async (): Promise<void> => {
    await target.load(batch);
    progress.after = last!.toString('hex');
    progress.bytes += bytes;
    progress.statements += batch.filter(({ kind }) => kind === 'statement').length;
    await target.note(progress);
    onLoaded();
    [batch, bytes] = [[], 0];
  };
  for await (const placed of source.entries(progress.after === '' ? undefined : Buffer.from(progress.after, 'hex'))) {
    batch.push(placed.entry);
    bytes += placed.bytes.length;
    last = placed.at;
    if (batch.length === BATCH || bytes >= BATCH_BYTES) await load();
  }
  if (batch.length > 0) await load();
}

/** @param tenants in order */
async function copyAttachments(source: MigrationSource, target: MigrationTarget, tenants: readonly string[], progress: MigrationProgress, onCopied: () => void): Promise<void> {
  let copied = 0;
  let bytes = 0;
  const [lastTenant = '', lastHash = ''] = progress.afterAttachment.split('/');
  for (const tenant of tenants) {
    if (tenant < lastTenant) continue;
    for await (const { sha2, length } of source.attachments.list(tenant)) {
      if (tenant === lastTenant && sha2 <= lastHash) continue;
      if (!await target.attachments.has(tenant, sha2)) await copyAttachment(source, target, tenant, sha2);
      progress.afterAttachment = `${tenant}/${sha2}`;
      progress.attachments++;
      progress.bytes += length;
      copied++;
      bytes += length;
      onCopied();
      if (copied < NOTE_EVERY && bytes < NOTE_BYTES) continue;
      await target.note(progress);
      [copied, bytes] = [0, 0];
    }
  }
  if (copied > 0) await target.note(progress);
}

/** Packages are few and large: whether one is there already the target is asked. */
async function copyPackages(source: MigrationSource, target: MigrationTarget, tenants: readonly string[], progress: MigrationProgress, onCopied: () => void): Promise<void> {
  for (const tenant of tenants) {
    for await (const id of source.content.list(tenant)) {
      const length = await source.content.length(tenant, id);
      if (length === undefined) throw new Error(`The package ${id} of tenant ${tenant} has gone from the data folder.`);
      if (await target.content.length(tenant, id) !== undefined) continue;
      const stream = await source.content.open(tenant, id, 0, length);
      await (await target.content.stage(tenant, id, stream, length)).commit();
      progress.packages = (progress.packages ?? 0) + 1;
      progress.bytes += length;
      onCopied();
      await target.note(progress);
    }
  }
}

async function copyAttachment(source: MigrationSource, target: MigrationTarget, tenant: string, sha2: string): Promise<void> {
  const found = await source.attachments.open(tenant, sha2);
  if (!found) throw new Error(`The attachment ${sha2} of tenant ${tenant} has gone from the data folder.`);
  try {
    const staged = await target.attachments.stage(tenant, sha2, found.stream, found.length);
    await staged.commit();
    staged.release();
  } finally {
    found.stream.destroy();
  }
}
