import t from 'tap';
import { cityHash128 } from '../../../../src/query/sql/city-hash.js';
import { SqlFailure } from '../../../../src/query/sql/failure.js';
import { packBlocks, unpackBlocks } from '../../../../src/query/sql/native-blocks.js';

/** Bytes by a rule, and their hash as the package clickhouse-cityhash gives it. */
const hashes: [length: number, hash: string][] = [
  [0, '3df09dfc64c09a2b3cb540c392e51e29'], [1, '5a03ab4f802b3f6c58a88a3c8a31e91a'], [3, '3108fa6b1da1698632301bf0c250612d'], [4, '2b36229ba99aa33425e1c052f6408d75'],
  [7, '4d6955e1bc4624e3252e8c015f4c9bd0'], [8, '9feb346ce8e35a98f2f9f1185545d8ba'], [9, '80885008a99d77f20854364fe84aef88'], [15, '1443b6470aa1c7ff70f998835a684c59'],
  [16, '4e7e2890890c933d9b6511d6440477c7'], [17, 'f0e9ed04b1c7f44e8a17c6d04d5431ae'], [31, '99f185112aa9cd7ed42762edf0508928'], [32, 'adf0df935f46a6c945c6069d82f7b2fc'],
  [33, 'd5513023ba6cfa2707943a16a8757b14'], [39, '2eaefb49588c6357a7ab961c0c67449a'], [127, '4f13561d5be076e738f8d0cde62497c7'], [128, 'cf62d3c7adbc75a974badcfa53f7ac90'],
  [129, '2c306d50ae9a6f4333d5131912bcd13b'], [143, 'd9e0dedd250a44da6c7eb8fd5e5bd6a8'], [144, 'fbce3da5a8ff2dd6e0dbdd0442ed57e6'], [145, '35ce7b645ec7b24378e40e981b9fc775'],
  [200, '905c939ab00c7aa1e9d652c33ff4c62b'], [271, 'c212e2bb5725d84369f05e93bb9dfa10'], [272, 'bc8c72b236c44673a3ea8207cfd9b709'], [300, '3d4454aeb58d912b183e5532b8f0c27c'],
  [5000, 'e4ee14506e6684ea4bd6f01f7cf2614b'],
];

const bytesOf = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, index) => (index * 7 + length) % 251));

t.test('the hash is that of CityHash 1.0.2', async (t) => {
  for (const [length, hash] of hashes) {
    const found = cityHash128(bytesOf(length));
    t.equal([found.readBigUInt64LE(0), found.readBigUInt64LE(8)].map((half) => half.toString(16).padStart(16, '0')).join(''), hash, `${length} bytes`);
  }
});

t.test('what is packed comes back', async (t) => {
  for (const length of [0, 1, 14, 15, 16, 269, 270, 271, 65_535, 65_536, 65_537, 200_000]) t.ok(unpackBlocks(packBlocks(bytesOf(length)), 1e6).equals(bytesOf(length)), `${length} bytes`);
});

/** A block with a right checksum around data of the caller's making. */
function block(data: number[], length: number, method = 0x82): Buffer {
  const whole = Buffer.alloc(9 + data.length);
  whole.writeUInt8(method, 0);
  whole.writeUInt32LE(whole.length, 1);
  whole.writeUInt32LE(length, 5);
  whole.set(data, 9);
  return Buffer.concat([cityHash128(whole), whole]);
}

t.test('copies are unpacked, damage is refused', async (t) => {
  t.equal(unpackBlocks(block([0x14, 0x61, 1, 0, 0x10, 0x62], 10), 100).toString(), 'aaaaaaaaab', 'a copy that overlaps itself');
  const refused = (bytes: Buffer, name: string, type = 'CANNOT_DECOMPRESS'): void => {
    let thrown: unknown;
    try {
      unpackBlocks(bytes, 100);
    } catch (error) {
      thrown = error;
    }
    t.ok(thrown instanceof SqlFailure && thrown.type === type, name);
  };
  refused(block([0x14, 0x61, 2, 0, 0x10, 0x62], 10), 'a copy from before the beginning');
  refused(block([0x14, 0x61, 0, 0, 0x10, 0x62], 10), 'a copy of nothing');
  refused(block([0x1f, 0x61, 1, 0, 255, 255], 10), 'a length that ends nowhere');
  refused(block([0x10, 0x61], 10), 'shorter than it says');
  refused(block([0x20, 0x61, 0x61], 1), 'longer than it says');
  refused(block([0x61], 1, 0x90), 'another method');
  refused(block([0x10, 0x61], 0xffffffff), 'a bomb', 'TOO_LARGE_SIZE');
  const wrong = packBlocks(Buffer.from('SELECT 1'));
  wrong[30]! ^= 1;
  refused(wrong, 'a bit turned');
  refused(packBlocks(Buffer.from('SELECT 1')).subarray(0, 20), 'cut off');
});
