import { cityHash128 } from './city-hash.js';
import { SqlFailure } from './failure.js';

/** A block of ClickHouse's compressed form: 16 bytes of checksum, method, compressed and uncompressed length (both with what they count), data. */
const header = 9;
const checksum = 16;
const LZ4 = 0x82;
const NONE = 0x02;
const blockBytes = 64 * 1024;

/**
 * Packs bytes as `compress=1` asks for. The data is in LZ4's form but holds literals alone: clients that ask for it read
 * nothing else, and those that want a smaller answer ask for gzip.
 */
export function packBlocks(bytes: Uint8Array): Buffer {
  const packed: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += blockBytes) {
    const part = bytes.subarray(at, at + blockBytes);
    const data = literals(part);
    const block = Buffer.alloc(header);
    block.writeUInt8(LZ4, 0);
    block.writeUInt32LE(header + data.length, 1);
    block.writeUInt32LE(part.length, 5);
    const whole = Buffer.concat([block, data]);
    packed.push(cityHash128(whole), whole);
  }
  return Buffer.concat(packed);
}

function literals(part: Uint8Array): Buffer {
  const lengths: number[] = [];
  if (part.length >= 15) {
    let rest = part.length - 15;
    for (; rest >= 255; rest -= 255) lengths.push(255);
    lengths.push(rest);
  }
  return Buffer.concat([Buffer.from([Math.min(part.length, 15) << 4, ...lengths]), part]);
}

/**
 * Unpacks what a client sent with `decompress=1`.
 * @throws SqlFailure CANNOT_DECOMPRESS for damaged blocks and other methods than LZ4, TOO_LARGE_SIZE above the limit
 */
export function unpackBlocks(bytes: Buffer, maxBytes: number): Buffer {
  const parts: Buffer[] = [];
  let length = 0;
  for (let at = 0; at < bytes.length;) {
    const start = at + checksum;
    if (start + header > bytes.length) throw damaged();
    const size = bytes.readUInt32LE(start + 1);
    const original = bytes.readUInt32LE(start + 5);
    const end = start + size;
    if (size < header || end > bytes.length || !cityHash128(bytes.subarray(start, end)).equals(bytes.subarray(at, start))) throw damaged();
    length += original;
    if (length > maxBytes) throw new SqlFailure('TOO_LARGE_SIZE', `The query is longer than ${maxBytes} bytes`);
    const data = bytes.subarray(start + header, end);
    const method = bytes[start];
    if (method !== LZ4 && method !== NONE) throw new SqlFailure('CANNOT_DECOMPRESS', 'Blocks of a query are taken in LZ4 alone');
    parts.push(method === LZ4 ? unpackLz4(data, original) : data);
    at = end;
  }
  return Buffer.concat(parts);
}

/** One block in LZ4's block format: sequences of literals and copies of what went before. */
function unpackLz4(data: Buffer, length: number): Buffer {
  const result = Buffer.alloc(length);
  let to = 0;
  let at = 0;
  const next = (): number => {
    const byte = data[at++];
    if (byte === undefined) throw damaged();
    return byte;
  };
  const extended = (start: number): number => {
    let total = start;
    if (start === 15) for (let byte = 255; byte === 255; total += byte) byte = next();
    return total;
  };
  while (at < data.length) {
    const token = next();
    const plain = extended(token >> 4);
    if (at + plain > data.length || to + plain > length) throw damaged();
    data.copy(result, to, at, at + plain);
    at += plain;
    to += plain;
    if (at === data.length) break;
    const offset = next() | next() << 8;
    const copied = extended(token & 15) + 4;
    if (offset === 0 || offset > to || to + copied > length) throw damaged();
    for (let left = copied; left > 0; left--, to++) result[to] = result[to - offset] ?? 0;
  }
  if (to !== length) throw damaged();
  return result;
}

function damaged(): SqlFailure {
  return new SqlFailure('CANNOT_DECOMPRESS', 'The compressed blocks of the query are damaged');
}
