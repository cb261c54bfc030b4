import { createHash, type Hash } from 'node:crypto';

/** What a backup says of itself, in its first entry. */
export interface BackupManifest {
  format: 'quipu-backup';
  /** Version of the archive's layout. */
  layout: number;
  /** Engine and version of the data: see `BackupStore`. */
  engine: string;
  version: number;
  /** When the backup began, ISO 8601 in UTC: what was answered before is in it. */
  started: string;
  /** Statements of each tenant, counted at that time; more may be in the backup. */
  tenants: { id: string; statements: number }[];
}

/** The last entry of a backup: without it, or with other numbers, the backup is damaged. */
export interface BackupTotals {
  /** Entries before this one. */
  entries: number;
  /** Bytes of their contents. */
  bytes: number;
  /** Attachments among them. */
  attachments: number;
  /** Packages among them; missing before layout 2. */
  packages?: number;
  /** SHA-256 over the name, size and content of each of them, in order; lower-case hex. */
  sha256: string;
}

/** The layout that this program writes; it reads those before as well. The second one has packages. */
export const LAYOUT = 2;
export const MANIFEST = 'manifest.json';
export const TOTALS = 'totals.json';

/** Name of a chunk of the store, counted from 1. */
export function chunkName(number: number): string {
  return `store/${String(number).padStart(9, '0')}`;
}

/** Name of an attachment. */
export function attachmentName(tenant: string, sha2: string): string {
  return `attachments/${tenant}/${sha2}`;
}

/** Name of a package. */
export function packageName(tenant: string, id: string): string {
  return `packages/${tenant}/${id}`;
}

const attachmentPattern = /^attachments\/([a-z0-9-]{1,40})\/([0-9a-f]{56,128})$/;
const packagePattern = /^packages\/([a-z0-9-]{1,40})\/([0-9a-f-]{36})$/;

/** What an entry is by its name; undefined for a name that no backup has. */
export function readEntryName(name: string): { kind: 'chunk' } | { kind: 'attachment'; tenant: string; sha2: string } | { kind: 'package'; tenant: string; id: string } | undefined {
  if (/^store\/[0-9]{9,}$/.test(name)) return { kind: 'chunk' };
  const attachment = attachmentPattern.exec(name);
  if (attachment) return { kind: 'attachment', tenant: attachment[1]!, sha2: attachment[2]! };
  const found = packagePattern.exec(name);
  return found ? { kind: 'package', tenant: found[1]!, id: found[2]! } : undefined;
}

/** Adds up the entries of a backup, when it is written and when it is read. */
export interface TotalsCounter {
  begin(name: string, size: number): void;
  add(bytes: Buffer): void;
  totals(): BackupTotals & { packages: number };
}

export function createTotalsCounter(): TotalsCounter {
  const hash: Hash = createHash('sha256');
  const counted = { entries: 0, bytes: 0, attachments: 0, packages: 0 };
  return {
    begin: (name, size) => {
      hash.update(`${name}\0${size}\0`);
      counted.entries++;
      counted.bytes += size;
      if (name.startsWith('attachments/')) counted.attachments++;
      if (name.startsWith('packages/')) counted.packages++;
    },
    add: (bytes) => {
      hash.update(bytes);
    },
    totals: () => ({ ...counted, sha256: hash.copy().digest('hex') }),
  };
}
