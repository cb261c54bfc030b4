type Pair = readonly [bigint, bigint];

const k0 = 0xc3a5c85c97cb3127n;
const k1 = 0xb492b66fbe98f273n;
const k2 = 0x9ae16a3b2f90404fn;
const k3 = 0xc949d7c7509e6557n;
const mul = 0x9ddfea08eb382d69n;

const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);
const rotate = (value: bigint, by: bigint): bigint => (value >> by) | u64(value << (64n - by));
const mix = (value: bigint): bigint => value ^ (value >> 47n);

function hash16(low: bigint, high: bigint): bigint {
  const a = mix(u64((low ^ high) * mul));
  return u64(mix(u64((high ^ a) * mul)) * mul);
}

function weak32(data: Buffer, at: number, first: bigint, second: bigint): Pair {
  const [w, x, y, z] = [data.readBigUInt64LE(at), data.readBigUInt64LE(at + 8), data.readBigUInt64LE(at + 16), data.readBigUInt64LE(at + 24)];
  const a = u64(first + w);
  const b = rotate(u64(second + a + z), 21n);
  const c = u64(a + x + y);
  return [u64(c + z), u64(b + rotate(c, 44n) + a)];
}

function hashUpTo16(data: Buffer): bigint {
  const length = BigInt(data.length);
  if (data.length > 8) {
    const a = data.readBigUInt64LE(0);
    const b = data.readBigUInt64LE(data.length - 8);
    return hash16(a, rotate(u64(b + length), length)) ^ b;
  }
  if (data.length >= 4) return hash16(u64(length + BigInt(data.readUInt32LE(0)) * 8n), BigInt(data.readUInt32LE(data.length - 4)));
  if (data.length === 0) return k2;
  const [a, b, c] = [data[0] ?? 0, data[data.length >> 1] ?? 0, data[data.length - 1] ?? 0];
  return u64(mix(u64(BigInt(a + b * 256) * k2) ^ u64(BigInt(data.length + c * 4) * k3)) * k2);
}

function murmur(data: Buffer, seed: Pair): Pair {
  let [a, b] = seed;
  let c: bigint;
  let d: bigint;
  if (data.length <= 16) {
    a = u64(mix(u64(a * k1)) * k1);
    c = u64(b * k1 + hashUpTo16(data));
    d = mix(u64(a + (data.length >= 8 ? data.readBigUInt64LE(0) : c)));
  } else {
    c = hash16(u64(data.readBigUInt64LE(data.length - 8) + k1), a);
    d = hash16(u64(b + BigInt(data.length)), u64(c + data.readBigUInt64LE(data.length - 16)));
    a = u64(a + d);
    for (let at = 0, left = data.length - 16; left > 0; at += 16, left -= 16) {
      a = u64((a ^ u64(mix(u64(data.readBigUInt64LE(at) * k1)) * k1)) * k1);
      b ^= a;
      c = u64((c ^ u64(mix(u64(data.readBigUInt64LE(at + 8) * k1)) * k1)) * k1);
      d ^= c;
    }
  }
  a = hash16(a, c);
  b = hash16(d, b);
  return [a ^ b, hash16(b, a)];
}

function withSeed(data: Buffer, seed: Pair): Pair {
  if (data.length < 128) return murmur(data, seed);
  let [x, y] = seed;
  let z = u64(BigInt(data.length) * k1);
  const v0 = u64(rotate(y ^ k1, 49n) * k1 + data.readBigUInt64LE(0));
  let v: Pair = [v0, u64(rotate(v0, 42n) * k1 + data.readBigUInt64LE(8))];
  let w: Pair = [u64(rotate(u64(y + z), 35n) * k1 + x), u64(rotate(u64(x + data.readBigUInt64LE(88)), 53n) * k1)];
  let at = 0;
  for (; data.length - at >= 128;) {
    for (let half = 0; half < 2; half++, at += 64) {
      x = u64(rotate(u64(x + y + v[0] + data.readBigUInt64LE(at + 16)), 37n) * k1);
      y = u64(rotate(u64(y + v[1] + data.readBigUInt64LE(at + 48)), 42n) * k1);
      x ^= w[1];
      y ^= v[0];
      z = rotate(z ^ w[0], 33n);
      v = weak32(data, at, u64(v[1] * k1), u64(x + w[0]));
      w = weak32(data, at + 32, u64(z + w[1]), y);
      [z, x] = [x, z];
    }
  }
  const left = data.length - at;
  y = u64(y + rotate(w[0], 37n) * k0 + z);
  x = u64(x + rotate(u64(v[0] + z), 49n) * k0);
  for (let tail = 0; tail < left;) {
    tail += 32;
    y = u64(rotate(u64(y - x), 42n) * k0 + v[1]);
    w = [u64(w[0] + data.readBigUInt64LE(at + left - tail + 16)), w[1]];
    x = u64(rotate(x, 49n) * k0 + w[0]);
    w = [u64(w[0] + v[0]), w[1]];
    v = weak32(data, at + left - tail, v[0], v[1]);
  }
  x = hash16(x, v[0]);
  y = hash16(y, w[0]);
  return [u64(hash16(u64(x + v[1]), w[1]) + y), hash16(u64(x + w[1]), u64(y + v[1]))];
}

/**
 * CityHash128 of version 1.0.2, the checksum of ClickHouse's compressed blocks; about 10 MB/s.
 * @returns 16 bytes, low half first
 */
export function cityHash128(bytes: Uint8Array): Buffer {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = data.length;
  let hash: Pair;
  if (length >= 16) hash = withSeed(data.subarray(16), [data.readBigUInt64LE(0) ^ k3, data.readBigUInt64LE(8)]);
  else if (length >= 8) hash = withSeed(Buffer.alloc(0), [data.readBigUInt64LE(0) ^ u64(BigInt(length) * k0), data.readBigUInt64LE(length - 8) ^ k1]);
  else hash = withSeed(data, [k0, k1]);
  const result = Buffer.alloc(16);
  result.writeBigUInt64LE(hash[0], 0);
  result.writeBigUInt64LE(hash[1], 8);
  return result;
}
