import type { Level } from './level.js';

/** The data format that this version writes. */
export const FORMAT = 1;

/**
 * Steps that bring older data forward, each from the format before it. A step must be repeatable: after a crash in the
 * middle it is run again from its beginning.
 */
export const migrations: { to: number; run: (level: Level) => Promise<void> }[] = [];
