import { randomUUID } from 'node:crypto';
import type { DocumentStore } from '../../documents/store.js';
import type { CollectionSpec, RecordStore } from '../../records/store.js';
import { agentIdentifier } from '../../xapi/actors.js';
import { QuipuError } from '../../xapi/errors.js';
import type { Enrolments } from './enrolments.js';
import type { Launch, LaunchRequest, LaunchService } from './launch.js';
import type { Learner } from './records.js';

/** A throw-away registration, under its id. */
interface PreviewRecord {
  /** When it was made, in milliseconds since the epoch. */
  made: number;
  /** Made for it: its learner is nobody else. */
  learner: Learner;
}

export const previewRecords: CollectionSpec<PreviewRecord> = { name: 'cmi5-previews', indexes: [], unique: [] };

/** Launches without a registration: by all rules, and of nothing that reports would see. */
export interface PreviewService {
  /** @throws QuipuError `not-found`, `invalid-request` */
  preview(tenant: string, request: LaunchRequest & { course: string }): Promise<Launch>;
  /** Forgets that a registration was made for a preview, if it was. */
  discard(tenant: string, registration: string): Promise<void>;
  /** Forgets those made before, in milliseconds since the epoch, with everything that came of them. */
  deleteBefore(tenant: string, made: number, signal: AbortSignal): Promise<void>;
}

export interface PreviewServiceDeps {
  records: RecordStore;
  enrolments: Pick<Enrolments, 'register' | 'forget'>;
  launching: Pick<LaunchService, 'launch'>;
  documents: Pick<DocumentStore, 'deleteAll'>;
  /** The public URL of this server: home page of the learners of previews. */
  publicUrl(): string;
}

const SLICE = 200;

export function createPreviewService({ records, enrolments, launching, documents, publicUrl }: PreviewServiceDeps): PreviewService {
  const previews = records.collection<PreviewRecord>(previewRecords);
  return {
    preview: async (tenant, { course, ...request }) => {
      const registration = randomUUID();
      const learner: Learner = { objectType: 'Agent', account: { homePage: publicUrl(), name: `preview-${registration}` } };
      // First of all, so that whatever else is made of it is found again.
      await previews.insert(tenant, registration, { made: Date.now(), learner });
      await enrolments.register(tenant, { course, learner, registration, preview: true });
      return launching.launch(tenant, registration, request);
    },
    discard: async (tenant, registration) => {
      await previews.delete(tenant, registration);
    },
    deleteBefore: async (tenant, made, signal) => {
      let after: string | undefined;
      for (;;) {
        const page = await previews.list(tenant, { ...(after === undefined ? {} : { after }), limit: SLICE });
        for (const { id, value } of page) {
          if (signal.aborted) return;
          if (value.made >= made) continue;
          await enrolments.forget(tenant, id).catch(unlessGone);
          await documents.deleteAll(tenant, { resource: 'agent-profile', agent: agentIdentifier(value.learner)! });
          await previews.delete(tenant, id);
        }
        if (page.length < SLICE) return;
        after = page.at(-1)!.id;
      }
    },
  };
}

/** A preview that was begun and never came to be has no registration. */
function unlessGone(error: unknown): void {
  if (!(error instanceof QuipuError) || error.code !== 'not-found') throw error;
}
