import { unavailable } from './store-failure.js';
import type { Level } from './level.js';

/** Reads one entry. @throws QuipuError `store-unavailable` while the store is being reopened after a failure */
export type PointRead = (key: Buffer) => Promise<Buffer | undefined>;

/** Milliseconds above which a read has waited for the disk; one from memory takes a hundredth of it. */
const WAITED = 1;
/** So many reads in succession have to have waited: one may be slow because the system gave the processor to others. */
const IN_SUCCESSION = 2;
/** Milliseconds that reads go to other threads then, until one shows again whether memory has what is asked for. */
const ELSEWHERE = 50;

/**
 * Point reads for requests. What memory holds LevelDB reads in a few microseconds, less than it costs to ask another thread; while entries
 * come from the disk other threads wait for it, several at once, so that the event loop does not.
 * @param now milliseconds of a clock that does not go back
 */
export function createPointReads(level: Pick<Level, 'get' | 'getSync'>, now: () => number = () => performance.now()): PointRead {
  let waited = 0;
  let elsewhereUntil = 0;
  return async (key) => {
    try {
      const begun = now();
      if (begun < elsewhereUntil) return await level.get(key);
      const value = level.getSync(key);
      const ended = now();
      waited = ended - begun > WAITED ? waited + 1 : 0;
      if (waited >= IN_SUCCESSION) elsewhereUntil = ended + ELSEWHERE;
      return value;
    } catch (error) {
      throw unavailable(error);
    }
  };
}
