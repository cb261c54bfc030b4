import { createHmac, randomBytes } from 'node:crypto';
import type { Collection, RecordStore } from '../records/store.js';
import type { Cursor } from '../statements/store.js';
import type { Actor } from '../xapi/types.js';

/** How much an erasure has taken away so far. */
export interface ErasureCounts {
  erased: number;
  redacted: number;
  attachments: number;
  stateDocuments: number;
  agentProfiles: number;
  /** What features keep in records of their own. */
  records: number;
}

/** An erasure as it is kept. It holds whom it is about as long as it walks, and no longer. */
export interface ErasureRecord {
  status: 'running' | 'purging' | 'complete';
  dryRun: boolean;
  /** Keyed hash of the person's canonical identifier. */
  person: string;
  /** Account name that stands in the person's place. */
  pseudonym: string;
  startedAt: string;
  finishedAt?: string;
  counts: ErasureCounts;
  /** Complete pages, numbered from 1. */
  pages: number;
  /** What comes next; what is the person's own at features, when missing. */
  stage?: 'statements' | 'mentions';
  /** Where the work on records of features goes on, in a stage that is about them. */
  recordsAfter?: string;
  /** Where the walk over the statements goes on; undefined at the beginning of one. */
  cursor?: Cursor;
  /** Whether this walk has changed anything so far: then another one follows. */
  changed: boolean;
  /** Why it halts at the moment. */
  problem?: string;
  /** Whom it is about, until its walk is over. */
  agent?: Actor;
}

/** What one step of the walk erased and redacted: ids of statements, SHA-2 of attachments. */
export interface ErasurePage {
  erased: string[];
  redacted: string[];
  attachments: string[];
}

/** The collections of erasures. */
export interface ErasureRecords {
  erasures: Collection<ErasureRecord>;
  pages: Collection<ErasurePage>;
  /** Whom a running erasure is about, under its id, where an earlier version has begun it. */
  subjects: Collection<{ agent: Actor }>;
  pageId(erasure: string, page: number): string;
  /** HMAC-SHA-256 in hex under a key of this installation: shows that a known identifier is meant, and gives none away. */
  personHash(identifier: string): Promise<string>;
}

/** @param records where the collections are kept */
export function createErasureRecords(records: RecordStore): ErasureRecords {
  const secrets = records.collection<{ key: string }>({ name: 'server-secrets', indexes: [], unique: [] });
  const secretId = 'erasure-receipts';
  return {
    erasures: records.collection<ErasureRecord>({ name: 'erasures', indexes: ['status'], unique: [] }),
    pages: records.collection<ErasurePage>({ name: 'erasure-pages', indexes: [], unique: [] }),
    subjects: records.collection<{ agent: Actor }>({ name: 'erasure-subjects', indexes: [], unique: [] }),
    pageId: (erasure, page) => `${erasure}.${String(page).padStart(9, '0')}`,
    async personHash(identifier) {
      await secrets.insert('', secretId, { key: randomBytes(32).toString('hex') });
      const secret = await secrets.get('', secretId);
      if (!secret) throw new Error('The key of erasure receipts is gone');
      return createHmac('sha256', Buffer.from(secret.value.key, 'hex')).update(identifier, 'utf8').digest('hex');
    },
  };
}
