import type { Enrolments } from './enrolments.js';
import type { Finding, Findings } from './findings.js';
import { shownSession } from './live.js';
import type { PreviewService } from './preview.js';
import type { Registration, RegistrationWriter } from './registration-writer.js';
import type { Session, Sessions } from './sessions.js';

/** How far a slice has come. */
export interface LearnerSlice {
  /** Records that it took, or would take. */
  count: number;
  /** Where the next one goes on; undefined at the end. */
  after?: string;
}

/**
 * What cmi5 keeps of a person in records of its own: registrations, previews among them, with their sessions and findings; and findings
 * of other sessions whose request names the person. Persons are named by their canonical identifiers. Everything may be done twice.
 */
export interface LearnerRecords {
  /** Takes the registrations of a learner with all that hangs on them. A session under way is over at once, token and fetch URL included. */
  eraseOwn(tenant: string, identifiers: readonly string[], options: { dryRun: boolean; after?: string }): Promise<LearnerSlice>;
  /** Takes the findings of others' sessions that name the person. */
  eraseMentions(tenant: string, identifiers: readonly string[], options: { dryRun: boolean; after?: string }): Promise<LearnerSlice>;
  /** Brings about the changes of registrations that are written down: none of them stores its statements later, over what becomes of them. */
  settle(tenant: string): Promise<void>;
  list(tenant: string, identifiers: readonly string[]): AsyncGenerator<{ kind: string }>;
}

export interface LearnerRecordsDeps {
  writer: Pick<RegistrationWriter, 'list' | 'read' | 'settle'>;
  enrolments: Pick<Enrolments, 'discard'>;
  previews: Pick<PreviewService, 'discard'>;
  sessions: Pick<Sessions, 'list'>;
  findings: Findings;
}

const SLICE = 100;

export function createLearnerRecords({ writer, enrolments, previews, sessions, findings }: LearnerRecordsDeps): LearnerRecords {
  /** A learner is an account (cmi5 9.2), and a person has at most one. */
  async function ownRegistrations(tenant: string, identifiers: readonly string[], after: string | undefined): Promise<{ own: Registration[]; after?: string }> {
    const learner = identifiers.find((one) => one.startsWith('account:'));
    if (learner === undefined) return { own: [] };
    const own = await writer.list(tenant, { where: { property: 'learnerKey', equals: learner }, limit: SLICE, ...(after !== undefined && { after }) });
    return { own, ...(own.length === SLICE && { after: own.at(-1)!.id }) };
  }

  async function* sessionsOf(tenant: string, registration: string): AsyncGenerator<Session> {
    for (let after: string | undefined; ;) {
      const page = await sessions.list({ property: 'registration', equals: registration }, after, SLICE);
      for (const session of page) if (session.tenant === tenant) yield session;
      if (page.length < SLICE) return;
      after = page.at(-1)!.id;
    }
  }

  async function* findingsOf(tenant: string, registration: string): AsyncGenerator<Finding> {
    for (let after: string | undefined; ;) {
      const page = await findings.list(tenant, { property: 'registration', equals: registration }, after, SLICE);
      yield* page;
      if (page.length < SLICE) return;
      after = page.at(-1)!.id;
    }
  }

  async function count(all: AsyncIterable<unknown>): Promise<number> {
    let counted = 0;
    for await (const _ of all) counted++;
    return counted;
  }

  /** Those of a slice that name the person and are of others' registrations. */
  async function mentions(tenant: string, identifiers: readonly string[], from: string | undefined): Promise<{ found: Finding[]; after?: string }> {
    const { found, after } = await findings.naming(tenant, identifiers, from);
    const others: Finding[] = [];
    for (const finding of found) {
      const registration = await writer.read(tenant, finding.registration);
      if (!registration || !identifiers.includes(registration.learnerKey)) others.push(finding);
    }
    return { found: others, ...(after !== undefined && { after }) };
  }

  return {
    eraseOwn: async (tenant, identifiers, { dryRun, after: from }) => {
      const { own, after } = await ownRegistrations(tenant, identifiers, from);
      let taken = 0;
      for (const registration of own) {
        taken += 1 + await count(sessionsOf(tenant, registration.id)) + await count(findingsOf(tenant, registration.id));
        if (dryRun) continue;
        await enrolments.discard(tenant, registration);
        await previews.discard(tenant, registration.id);
      }
      return { count: taken, ...(after !== undefined && { after }) };
    },
    eraseMentions: async (tenant, identifiers, { dryRun, after: from }) => {
      const { found, after } = await mentions(tenant, identifiers, from);
      if (!dryRun) for (const { id } of found) await findings.delete(tenant, id);
      return { count: found.length, ...(after !== undefined && { after }) };
    },
    settle: async (tenant) => {
      for (let after: string | undefined; ;) {
        const page = await writer.list(tenant, { where: { property: 'active', equals: 'yes' }, limit: SLICE, ...(after !== undefined && { after }) });
        for (const { id } of page) await writer.settle(tenant, id);
        if (page.length < SLICE) return;
        after = page.at(-1)!.id;
      }
    },
    list: async function* (tenant, identifiers) {
      for (let from: string | undefined; ;) {
        const { own, after } = await ownRegistrations(tenant, identifiers, from);
        for (const registration of own) {
          yield { kind: 'cmi5-registration', ...registration };
          for await (const session of sessionsOf(tenant, registration.id)) yield { kind: 'cmi5-session', ...shownSession(session) };
          for await (const { kind, ...finding } of findingsOf(tenant, registration.id)) yield { kind: 'cmi5-finding', found: kind, ...finding };
        }
        if (after === undefined) break;
        from = after;
      }
      for (let from: string | undefined; ;) {
        const { found, after } = await mentions(tenant, identifiers, from);
        for (const { kind, ...finding } of found) yield { kind: 'cmi5-finding', found: kind, ...finding };
        if (after === undefined) return;
        from = after;
      }
    },
  };
}
