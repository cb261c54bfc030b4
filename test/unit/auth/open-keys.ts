import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAttempts, type Attempts } from '../../../src/auth/attempts.js';
import { createKeyService, type KeyService } from '../../../src/auth/key-service.js';
import { createSecretHasher, type SecretHasher } from '../../../src/auth/secret-hash.js';
import { openLevelStorage, type LevelStorage } from '../../../src/storage/leveldb/open.js';

/** As much of a tap test as the fixtures need. */
export interface Test {
  teardown(handler: () => unknown): unknown;
}

export const homePage = 'https://lrs.example.org';

/** A storage in a folder of its own, gone when the test ends. */
export async function openTestStorage(test: Test): Promise<LevelStorage & { directory: string }> {
  const directory = mkdtempSync(join(tmpdir(), 'quipu-'));
  const storage = await openLevelStorage({ directory });
  test.teardown(async () => {
    await storage.close();
    rmSync(directory, { recursive: true, force: true });
  });
  return { ...storage, directory };
}

/** Hashes as the real one does and counts comparisons. */
export function countingHasher(): SecretHasher & { runs: number } {
  const hasher = createSecretHasher();
  const counting = {
    runs: 0,
    hash: hasher.hash,
    matches: (...args: Parameters<SecretHasher['matches']>) => hasher.matches(args[0], args[1], () => {
      args[2]?.();
      counting.runs++;
    }),
  };
  return counting;
}

export interface TestKeys {
  keys: KeyService;
  hasher: SecretHasher & { runs: number };
  storage: LevelStorage;
}

export async function openKeys(test: Test, attempts: Attempts = createAttempts()): Promise<TestKeys> {
  const storage = await openTestStorage(test);
  const hasher = countingHasher();
  return { keys: createKeyService({ records: storage.records, attempts, homePage, hasher }), hasher, storage };
}
