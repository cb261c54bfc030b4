import type { Collection, RecordStore, VersionedRecord } from '../records/store.js';
import type { Aside } from './checkpoints.js';

/** An entry of the feed that a consumer has put aside. It holds no statement: the feed has it. */
export interface DeadLetter {
  /** `consumer.position` */
  id: string;
  tenant: string;
  consumer: string;
  position: number;
  /** Of the statement; undefined for an erasure. */
  statement?: string;
  /** In the consumer's words. */
  reason: string;
  attempts: number;
  /** ISO 8601 in UTC. */
  at: string;
  /** `retrying`: it was asked for another attempt, which has not been made yet. */
  status: 'dead' | 'retrying';
}

interface LetterRecord extends Omit<DeadLetter, 'id' | 'tenant' | 'statement'> {
  statementId?: string;
  /** `consumer` and status in one, so that one index finds those to try again. */
  line: string;
}

/** What consumers could not deal with, by tenant. */
export interface DeadLetters {
  /** Makes entries dead letters; those that are there already stay as they are. */
  add(tenant: string, consumer: string, entries: readonly Aside[]): Promise<void>;
  /** In order of position, after the letter with an id. */
  list(tenant: string, consumer: string, after?: string, limit?: number): Promise<DeadLetter[]>;
  /** Those that wait for another attempt. */
  retrying(tenant: string, consumer: string, limit: number): Promise<DeadLetter[]>;
  /** How many there are, counted up to a thousand. */
  count(tenant: string, consumer: string): Promise<number>;
  /** Asks for another attempt, or puts the letter back after one. @returns whether there was such a letter */
  mark(tenant: string, consumer: string, id: string, change: Pick<DeadLetter, 'status'> & Partial<Pick<DeadLetter, 'reason' | 'attempts'>>): Promise<boolean>;
  /** @returns whether there was such a letter */
  drop(tenant: string, consumer: string, id: string): Promise<boolean>;
}

const digits = 15;
const mostCounted = 1000;

export function createDeadLetters({ records }: { records: RecordStore }): DeadLetters {
  const letters: Collection<LetterRecord> = records.collection<LetterRecord>({ name: 'dead-letters', indexes: ['consumer', 'line'], unique: [] });
  const idOf = (consumer: string, position: number): string => `${consumer}.${String(position).padStart(digits, '0')}`;
  const lineOf = (consumer: string, status: DeadLetter['status']): string => `${consumer}/${status}`;

  const shown = (tenant: string, { id, value: { line: _line, statementId, ...rest } }: VersionedRecord<LetterRecord>): DeadLetter => ({ id, tenant, ...rest, ...(statementId === undefined ? {} : { statement: statementId }) });

  async function find(tenant: string, consumer: string, id: string): Promise<VersionedRecord<LetterRecord> | undefined> {
    const record = await letters.get(tenant, id);
    return record?.value.consumer === consumer ? record : undefined;
  }

  return {
    add: async (tenant, consumer, entries) => {
      for (const { position, id, reason, attempts } of entries) {
        await letters.insert(tenant, idOf(consumer, position), {
          consumer, position, reason, attempts, at: new Date().toISOString(), status: 'dead', line: lineOf(consumer, 'dead'), ...(id === undefined ? {} : { statementId: id }),
        });
      }
    },
    list: async (tenant, consumer, after, limit) => (await letters.list(tenant, { where: { property: 'consumer', equals: consumer }, after, limit })).map((record) => shown(tenant, record)),
    retrying: async (tenant, consumer, limit) => (await letters.list(tenant, { where: { property: 'line', equals: lineOf(consumer, 'retrying') }, limit })).map((record) => shown(tenant, record)),
    count: async (tenant, consumer) => (await letters.list(tenant, { where: { property: 'consumer', equals: consumer }, limit: mostCounted })).length,
    mark: async (tenant, consumer, id, change) => {
      for (;;) {
        const record = await find(tenant, consumer, id);
        if (!record) return false;
        if (await letters.update(tenant, id, { ...record.value, ...change, line: lineOf(consumer, change.status) }, record.version) === 'updated') return true;
      }
    },
    drop: async (tenant, consumer, id) => (await find(tenant, consumer, id)) !== undefined && letters.delete(tenant, id),
  };
}
