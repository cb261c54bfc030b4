import type { RecordStore, VersionedRecord } from '../../records/store.js';
import type { Breach } from '../rules/state.js';
import { findingRecords, type FindingRecord } from './records.js';
import { timeOrderedId } from './sessions.js';

/** A finding with its id. */
export type Finding = { id: string } & Readonly<Omit<FindingRecord, 'people'>>;

/** What is recorded of a request. */
export interface NewFinding {
  kind: FindingRecord['kind'];
  breach?: Breach;
  /** JSON of the statement, or what was asked of a document. */
  request: string;
  /** Index in the batch. */
  index?: number;
  /** Canonical identifiers of those that it names. */
  people: readonly string[];
}

/** What sessions were refused, and what was found in what they were not. */
export interface Findings {
  /** Durable when it answers; nothing once a session has as many as are kept. */
  record(tenant: string, session: { id: string; registration: string }, found: readonly NewFinding[]): Promise<void>;
  /** In the order in which they were recorded, after `after`. */
  list(tenant: string, where: { property: 'session' | 'registration'; equals: string } | undefined, after?: string, limit?: number): Promise<Finding[]>;
  /** Of a slice of all findings of a tenant those that name, or may name, one of these; undefined as `after` at the end. */
  naming(tenant: string, identifiers: readonly string[], after?: string): Promise<{ found: Finding[]; after?: string }>;
  delete(tenant: string, id: string): Promise<void>;
  deleteOf(tenant: string, registration: string): Promise<void>;
}

/** Findings kept of a session: content that is wrong is wrong with each statement. */
export const MOST_FINDINGS = 200;
/** Characters kept of a request. */
const MOST_CHARACTERS = 16 << 10;
/** Characters kept of who is named in it. */
const MOST_OF_PEOPLE = 16 << 10;
const MOST_COUNTED = 10_000;
const SLICE = 500;

export function createFindings(records: RecordStore): Findings {
  const findings = records.collection<FindingRecord>(findingRecords);
  /** How many a session has, as far as this process knows. */
  const counts = new Map<string, number>();

  async function countOf(tenant: string, session: string): Promise<number> {
    const key = `${tenant}/${session}`;
    const count = counts.get(key) ?? (await findings.list(tenant, { where: { property: 'session', equals: session }, limit: MOST_FINDINGS })).length;
    counts.delete(key);
    counts.set(key, count);
    if (counts.size > MOST_COUNTED) counts.delete(counts.keys().next().value!);
    return count;
  }

  return {
    record: async (tenant, session, found) => {
      if (found.length === 0) return;
      const before = await countOf(tenant, session.id);
      const kept = found.slice(0, Math.max(0, MOST_FINDINGS - before));
      counts.set(`${tenant}/${session.id}`, before + kept.length);
      const at = new Date();
      // One after the other, so that their ids are in their order.
      for (const [offset, { request, people, ...rest }] of kept.entries()) {
        await findings.insert(tenant, timeOrderedId(at.getTime() + offset), {
          session: session.id, registration: session.registration, at: at.toISOString(), ...rest, request: request.slice(0, MOST_CHARACTERS), cut: request.length > MOST_CHARACTERS,
          ...(people.reduce((sum, one) => sum + one.length, 0) <= MOST_OF_PEOPLE && { people: [...people] }),
        });
      }
    },
    list: async (tenant, where, after, limit) =>
      (await findings.list(tenant, { ...(where && { where }), ...(after !== undefined && { after }), ...(limit !== undefined && { limit }) })).map(shown),
    naming: async (tenant, identifiers, from) => {
      const page = await findings.list(tenant, { limit: SLICE, ...(from !== undefined && { after: from }) });
      const found = page.filter(({ value: { people } }) => people === undefined || people.some((one) => identifiers.includes(one)));
      return { found: found.map(shown), ...(page.length === SLICE && { after: page.at(-1)!.id }) };
    },
    delete: async (tenant, id) => {
      await findings.delete(tenant, id);
    },
    deleteOf: async (tenant, registration) => {
      for (;;) {
        const found = await findings.list(tenant, { where: { property: 'registration', equals: registration }, limit: SLICE });
        for (const { id } of found) await findings.delete(tenant, id);
        if (found.length < SLICE) return;
      }
    },
  };
}

function shown({ id, value: { people: _, ...value } }: VersionedRecord<FindingRecord>): Finding {
  return { id, ...value };
}
