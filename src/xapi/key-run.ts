/** Bytes of a key: the kind's character and eight bytes of a keyed hash of the value. */
export const KEY_BYTES = 9;

/** The keys of a statement as one run of KEY_BYTES each: what list filters find the statement by, inherited ones included. */
export type KeyRun = Buffer;

/** Whether a run of keys holds one of KEY_BYTES. */
export function holdsKey(run: KeyRun, key: Buffer): boolean {
  const first = key[0]!;
  for (let at = 0; at < run.length; at += KEY_BYTES) {
    if (run[at] === first && run.compare(key, 1, KEY_BYTES, at + 1, at + KEY_BYTES) === 0) return true;
  }
  return false;
}

/** The keys of a run one by one, without copying. */
export function* eachKey(run: KeyRun): Generator<Buffer> {
  for (let at = 0; at < run.length; at += KEY_BYTES) yield run.subarray(at, at + KEY_BYTES);
}
