/** A bounded memory of values by name: those used last are kept. */
export interface Recently<Name, T> {
  get(name: Name): T | undefined;
  set(name: Name, value: T): void;
  clear(): void;
}

/** @param least how many are kept at the least; twice as many at the most */
export function createRecently<Name, T>(least: number): Recently<Name, T> {
  let young = new Map<Name, T>();
  let old = new Map<Name, T>();

  function put(name: Name, value: T): void {
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
    clear: () => {
      young = new Map();
      old = new Map();
    },
  };
}
