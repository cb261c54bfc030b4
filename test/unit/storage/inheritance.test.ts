import t from 'tap';
import { missingKeys } from '../../../src/storage/inherited-keys.js';
import { KEY_BYTES } from '../../../src/xapi/key-run.js';

/** Keys of these kinds, the hash of each its number. */
function run(kinds: string, from = 0): Buffer {
  return Buffer.concat([...kinds].map((kind, index) => {
    const key = Buffer.alloc(KEY_BYTES, kind);
    key.writeBigUInt64BE(BigInt(from + index), 1);
    return key;
  }));
}

t.test('a statement inherits what it lacks, each key once and in the order of the target', (t) => {
  const target = Buffer.concat([run('AVT'), run('R', 7), run('U', 7), run('H', 9), run('A', 20)]);
  const missing = Buffer.concat(missingKeys(Buffer.concat([run('A'), run('U', 5)]), target));
  t.same(missing, Buffer.concat([run('AVT').subarray(KEY_BYTES), run('R', 7), run('A', 20)]), 'an authority becomes a related agent, a hash is not inherited');
  t.same(missingKeys(target, target), [], 'nothing that it has');
  t.end();
});

t.test('inheriting takes time in proportion to the keys, so that references to a statement with thousands hold up nobody', (t) => {
  const target = run('A'.repeat(4096), 100);
  const start = performance.now();
  for (let reference = 0; reference < 20; reference++) t.equal(missingKeys(run('AVU'), target).length, 4093, 'as many as may be');
  t.ok(performance.now() - start < 3000, 'it took more than 8 seconds when each was compared with each');
  t.end();
});
