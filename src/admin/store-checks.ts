import type { RecordStore } from '../records/store.js';
import type { StatementStore } from '../statements/store.js';
import { QuipuError } from '../xapi/errors.js';
import type { HealthCheck } from './health-plugin.js';

/**
 * The checks of the embedded or clustered store: `reads` asks for a statement, `writes` makes a small record durable and
 * reads it back.
 */
export function createStoreChecks({ statements, records }: { statements: StatementStore; records: RecordStore }): Record<'reads' | 'writes', HealthCheck> {
  const probes = records.collection<{ at: string }>({ name: 'health-probes', indexes: [], unique: [] });
  return {
    reads: async () => {
      await statements.find('default', { filters: [], ascending: false, limit: 1 });
    },
    writes: async () => {
      const value = { at: new Date().toISOString() };
      const known = await probes.get('', 'ready');
      if (known) await probes.update('', 'ready', value, known.version);
      else await probes.insert('', 'ready', value);
      if (!(await probes.get('', 'ready'))) throw new QuipuError('store-unavailable', 'What was written can not be read.');
    },
  };
}
