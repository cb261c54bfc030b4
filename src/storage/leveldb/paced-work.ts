/** Work in the background that is done piece by piece, with pauses, so that others come first. */
export interface PacedWork {
  /** Tells that there may be something to do. */
  start(): void;
  /** Does what `next` gives without pauses, and resolves when it gives nothing. */
  finish(): Promise<void>;
  /** Resolves when the piece that is being done is; none is done after it. */
  close(): Promise<void>;
}

const SHORTEST_PAUSE = 5;

/**
 * @param next takes the next piece, if there is any. A piece that fails is not tried again, unless `next` gives it again
 * @param rest a piece is followed by a pause of as many times its own length
 */
export function createPacedWork(next: () => (() => Promise<void>) | undefined, rest: number): PacedWork {
  let running = false;
  let work = Promise.resolve();
  let closed = false;
  let hurried = false;
  let wake = (): void => undefined;

  async function run(): Promise<void> {
    running = true;
    while (!closed) {
      const piece = next();
      if (!piece) break;
      const begun = performance.now();
      await piece().catch(() => undefined);
      if (!closed && !hurried) await pause(Math.max(SHORTEST_PAUSE, rest * (performance.now() - begun)));
    }
    running = false;
  }

  function pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      wake = resolve;
      setTimeout(resolve, milliseconds).unref();
    });
  }

  return {
    start: () => {
      if (!closed && !running) work = run();
    },
    finish: async () => {
      hurried = true;
      wake();
      await work;
      hurried = false;
    },
    close: async () => {
      closed = true;
      wake();
      await work;
    },
  };
}
