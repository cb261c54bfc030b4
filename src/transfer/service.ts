import type { Readable } from 'node:stream';
import type { Credential } from '../auth/credential.js';
import type { StatementStore } from '../statements/store.js';
import { exportLines, type ExportRange } from './export-lines.js';
import { importLines, type ImportDeps, type ImportReport } from './import-lines.js';

/** What `createTransferService` needs. */
export interface TransferDeps extends ImportDeps {
  store: StatementStore;
}

/** Statements in bulk: out of one store and into another, as NDJSON with their attachments. */
export interface TransferService {
  /** See `importLines`. The statements go to the credential's tenant. */
  import(credential: Credential, body: Readable): Promise<ImportReport>;
  /** See `exportLines`. */
  export(tenant: string, range: ExportRange): AsyncGenerator<Buffer>;
  /** How many statements an export without range gives at most, by now. */
  count(tenant: string): Promise<number>;
}

export function createTransferService(deps: TransferDeps): TransferService {
  return {
    import: (credential, body) => importLines(deps, credential, body),
    export: (tenant, range) => exportLines({ statements: deps.store, attachments: deps.attachments }, tenant, range),
    count: (tenant) => deps.store.count(tenant),
  };
}
