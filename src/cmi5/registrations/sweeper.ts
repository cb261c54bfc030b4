import type { DocumentStore } from '../../documents/store.js';
import type { Job } from '../../jobs/jobs.js';
import { QuipuError } from '../../xapi/errors.js';
import type { AbandonService } from './abandon.js';
import type { PreviewService } from './preview.js';
import { isUnderWay, type Registration, type RegistrationWriter } from './registration-writer.js';

export interface SweeperDeps {
  writer: RegistrationWriter;
  abandoning: Pick<AbandonService, 'abandonWhen'>;
  previews: Pick<PreviewService, 'deleteBefore'>;
  documents: Pick<DocumentStore, 'list'>;
  listTenants(): Promise<string[]>;
  /** Milliseconds without a statement or a State document of the AU after which its session is abandoned. */
  idle: number;
  /** Milliseconds between two looks; a minute when left out. */
  interval?: number;
  now?: () => number;
}

const SLICE = 200;
const DAY = 86_400_000;
const MINUTE = 60_000;

/**
 * The job that ends what nobody ends: sessions that have said nothing for long, those that never began among them, changes that a dead
 * process left pending, and previews of more than a day. Several processes may do it at once: each change is made by the writer of the
 * registration, which looks again before it does.
 */
export function createSweeper({ writer, abandoning, previews, documents, listTenants, idle, interval = MINUTE, now = Date.now }: SweeperDeps): Job {
  /** When an AU last did something that is kept. Reading is not; a learner who reads on for hours saves where he is. */
  async function lastSeen(tenant: string, { id, learnerKey, state: { session } }: Registration): Promise<number> {
    const { last, launched, unit } = session!;
    const said = last ?? launched;
    if (now() - said < idle) return said;
    const states = await documents.list(tenant, { resource: 'state', activity: unit, agent: learnerKey, registration: id });
    return states.reduce((latest, { updated }) => Math.max(latest, updated), said);
  }

  async function look(tenant: string, registration: Registration): Promise<void> {
    const { state: { session }, id } = registration;
    if (!isUnderWay(session)) return writer.settle(tenant, id);
    if (now() - await lastSeen(tenant, registration) < idle) return;
    await abandoning.abandonWhen(tenant, id, (current) => current.id === session.id && now() - (current.last ?? current.launched) >= idle);
  }

  return {
    name: 'cmi5-sweeper',
    subjects: listTenants,
    interval,
    concurrency: 1,
    run: async (tenant, signal) => {
      const where = { property: 'active', equals: 'yes' } as const;
      let after: string | undefined;
      for (;;) {
        const page = await writer.list(tenant, { where, ...(after === undefined ? {} : { after }), limit: SLICE });
        for (const registration of page) {
          if (signal.aborted) return 'more';
          await look(tenant, registration).catch(unlessGone);
        }
        if (page.length < SLICE) break;
        after = page.at(-1)!.id;
      }
      await previews.deleteBefore(tenant, now() - DAY, signal);
      return 'done';
    },
  };
}

/** A registration that was deleted meanwhile is no fault. */
function unlessGone(error: unknown): void {
  if (!(error instanceof QuipuError) || error.code !== 'not-found') throw error;
}
