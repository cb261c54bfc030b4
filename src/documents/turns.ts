/** Runs a piece of work when all earlier work of the same name has ended; work of different names runs side by side. */
export type Turns = <T>(name: string, work: () => Promise<T>) => Promise<T>;

/** Makes turns; they hold in this process only. */
export function createTurns(): Turns {
  const last = new Map<string, Promise<void>>();
  return async (name, work) => {
    const before = last.get(name);
    let end = (): void => {};
    const mine = new Promise<void>((resolve) => { end = resolve; });
    last.set(name, mine);
    try {
      await before;
      return await work();
    } finally {
      end();
      if (last.get(name) === mine) last.delete(name);
    }
  };
}
