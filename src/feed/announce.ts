import type { StatementStore } from '../statements/store.js';

/**
 * A store that tells at once of what this process has put into it.
 * @param tell called with the tenant after something was stored or erased; must not throw
 */
export function announcing<Store extends StatementStore>(store: Store, tell: (tenant: string) => void): Store {
  const told: Pick<StatementStore, 'append' | 'erase'> = {
    append: async (tenant, batch, held) => {
      const result = await store.append(tenant, batch, held);
      if (result.status === 'stored' && result.outcomes.includes('stored')) tell(tenant);
      return result;
    },
    erase: async (tenant, erasure) => {
      await store.erase(tenant, erasure);
      tell(tenant);
    },
  };
  return Object.assign(Object.create(store) as Store, told);
}
