/** A bounded memory of values by text: those used last are kept. */
export interface Recently<T> {
  get(name: string): T | undefined;
  set(name: string, value: T): void;
  delete(name: string): void;
  clear(): void;
}

/** @param least how many are kept at the least; twice as many at the most */
export function createRecently<T>(least: number): Recently<T> {
  let young = new Map<string, T>();
  let old = new Map<string, T>();

  function put(name: string, value: T): void {
    if (young.size >= least) {
      old = young;
      young = new Map();
    }
    young.set(name, value);
  }

  return {
    get: (name) => {
      const value = young.get(name);
      if (value !== undefined) return value;
      const former = old.get(name);
      if (former !== undefined) put(name, former);
      return former;
    },
    set: put,
    delete: (name) => {
      young.delete(name);
      old.delete(name);
    },
    clear: () => {
      young = new Map();
      old = new Map();
    },
  };
}
