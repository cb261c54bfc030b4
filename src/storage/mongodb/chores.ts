/** Work that nobody waits for and that has to be done all the same, such as giving up a claim. */
export interface Chores {
  /** Does the work, and again every second until it succeeds. It must be repeatable. */
  add(work: () => Promise<unknown>): void;
  /** Waits for what is under way; what then still fails is left to those who clear up after a dead process. */
  close(): Promise<void>;
}

const PAUSE = 1000;

/** @param onFault called with each failure */
export function createChores(onFault: (error: unknown) => void = () => undefined): Chores {
  const open = new Set<Promise<void>>();
  let closed = false;

  async function insist(work: () => Promise<unknown>): Promise<void> {
    for (;;) {
      try {
        await work();
        return;
      } catch (error) {
        if (closed) return;
        onFault(error);
        await new Promise((resolve) => setTimeout(resolve, PAUSE).unref());
      }
    }
  }

  return {
    add: (work) => {
      const done = insist(work).finally(() => open.delete(done));
      open.add(done);
    },
    close: async () => {
      closed = true;
      await Promise.all(open);
    },
  };
}
