/** The adapter that a restore fills: `compose.ts` puts running servers together, and a restore comes before there is one. */
export { openRestoreTarget } from '../storage/leveldb/backup.js';
