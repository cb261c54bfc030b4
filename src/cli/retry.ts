/** What is worth another try: no answer, or one that says so. */
const passing: ReadonlySet<number> = new Set([0, 408, 429, 502, 503, 504, 507]);

/** Tries before giving up: half a minute in all, unless the other side asks for more. */
const tries = 6;
const mostSeconds = 60;

/**
 * Does something over until it works, with growing pauses, as long as its errors (by `status`, 0 without an answer) are such as pass.
 * @throws the last error
 */
export async function untilItWorks<T>(work: () => Promise<T>, onWait: (seconds: number, reason: Error) => void = () => undefined): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const { status, retryAfter } = error as { status?: number; retryAfter?: number };
      if (attempt === tries || status === undefined || !passing.has(status)) throw error;
      const seconds = Math.min(mostSeconds, Math.max(retryAfter || 0, 2 ** (attempt - 1)));
      onWait(seconds, error as Error);
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    }
  }
}
