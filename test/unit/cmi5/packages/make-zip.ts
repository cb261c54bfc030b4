import { crc32, deflateRawSync } from 'node:zlib';

/** An entry of a zip that a test makes. What is left out is as it should be; anything may be a lie. */
export interface MadeEntry {
  name: string | Buffer;
  data?: Buffer | string;
  /** 0 stored, 8 deflated. */
  method?: number;
  /** The bytes as they stand in the zip, instead of those made from `data`. */
  packed?: Buffer;
  crc?: number;
  length?: number;
  packedLength?: number;
  flags?: number;
  /** Version made by, high byte: 3 is Unix. */
  system?: number;
  /** Unix mode. */
  mode?: number;
  /** Name in the local header. */
  localName?: string | Buffer;
  /** Where the local header is said to be. */
  headerAt?: number;
  /** No local header and no bytes are written. */
  nothing?: boolean;
  /** Lengths and place are written as zip64 has them. */
  zip64?: boolean;
  extra?: Buffer;
  localExtra?: Buffer;
}

export interface MadeZip {
  entries: readonly MadeEntry[];
  /** The end of the directory as zip64 has it. */
  zip64?: boolean;
  /** Entries that the end of the directory tells of. */
  count?: number;
  comment?: string;
}

const u16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
};
const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
const u64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};

/** Makes a zip byte by byte (APPNOTE 4.3). */
export function makeZip({ entries, zip64 = false, count = entries.length, comment = '' }: MadeZip): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  const add = (...bytes: Buffer[]): void => {
    for (const one of bytes) {
      parts.push(one);
      at += one.length;
    }
  };
  for (const entry of entries) {
    const data = Buffer.from(entry.data ?? '');
    const method = entry.method ?? (entry.data === undefined ? 0 : 8);
    const packed = entry.packed ?? (method === 8 ? deflateRawSync(data) : data);
    const name = Buffer.from(entry.name);
    const localName = Buffer.from(entry.localName ?? entry.name);
    const flags = entry.flags ?? (typeof entry.name === 'string' && /[^\x00-\x7f]/.test(entry.name) ? 0x800 : 0);
    const [crc, length, packedLength] = [entry.crc ?? crc32(data), entry.length ?? data.length, entry.packedLength ?? packed.length];
    const headerAt = entry.headerAt ?? at;
    const shown = (value: number): Buffer => u32(entry.zip64 ? 0xffffffff : value);
    if (!entry.nothing) {
      const extra = entry.localExtra ?? (entry.zip64 ? Buffer.concat([u16(1), u16(16), u64(length), u64(packedLength)]) : Buffer.alloc(0));
      add(u32(0x04034b50), u16(20), u16(flags), u16(method), u16(0), u16(0x21), u32(crc), shown(packedLength), shown(length), u16(localName.length), u16(extra.length), localName, extra, packed);
    }
    const extra = Buffer.concat([entry.zip64 ? Buffer.concat([u16(1), u16(24), u64(length), u64(packedLength), u64(headerAt)]) : Buffer.alloc(0), entry.extra ?? Buffer.alloc(0)]);
    directory.push(Buffer.concat([
      u32(0x02014b50), u16(((entry.system ?? 3) << 8) | 20), u16(20), u16(flags), u16(method), u16(0), u16(0x21), u32(crc), shown(packedLength), shown(length), u16(name.length), u16(extra.length), u16(0), u16(0), u16(0),
      u32(((entry.mode ?? 0o100644) << 16) >>> 0), shown(headerAt), name, extra,
    ]));
  }
  const directoryAt = at;
  add(...directory);
  const length = at - directoryAt;
  if (zip64) {
    const end = at;
    add(u32(0x06064b50), u64(44), u16(45), u16(45), u32(0), u32(0), u64(count), u64(count), u64(length), u64(directoryAt));
    add(u32(0x07064b50), u32(0), u64(end), u32(1));
    add(u32(0x06054b50), u16(0), u16(0), u16(0xffff), u16(0xffff), u32(0xffffffff), u32(0xffffffff), u16(comment.length), Buffer.from(comment));
  } else {
    add(u32(0x06054b50), u16(0), u16(0), u16(Math.min(count, 0xffff)), u16(Math.min(count, 0xffff)), u32(length), u32(directoryAt), u16(comment.length), Buffer.from(comment));
  }
  return Buffer.concat(parts);
}

export interface MadeUnit {
  id: string;
  title?: string;
  url?: string;
  moveOn?: string;
  block?: string;
}

/** A cmi5.xml with these AUs. */
export function courseXml(units: readonly MadeUnit[], { id = 'https://example.org/course', title = 'A course' }: { id?: string; title?: string } = {}): string {
  const text = (name: string, value: string): string => `<${name}><langstring lang="en">${value}</langstring></${name}>`;
  const au = (unit: MadeUnit): string => `<au id="${unit.id}"${unit.moveOn === undefined ? '' : ` moveOn="${unit.moveOn}"`}>${text('title', unit.title ?? unit.id)}${text('description', 'An AU')}<url>${unit.url ?? 'index.html'}</url></au>`;
  const children = units.map((unit) => (unit.block === undefined ? au(unit) : `<block id="${unit.block}">${text('title', 'A block')}${text('description', 'A block')}${au(unit)}</block>`));
  return `<?xml version="1.0" encoding="UTF-8"?>\n<courseStructure xmlns="https://w3id.org/xapi/profiles/cmi5/v1/CourseStructure.xsd">\n<course id="${id}">${text('title', title)}${text('description', 'About it')}</course>\n${children.join('\n')}\n</courseStructure>\n`;
}

/** A package that has nothing wrong. */
export function goodPackage(units: readonly MadeUnit[] = [{ id: 'https://example.org/au/1' }], more: readonly MadeEntry[] = [], course?: { id?: string; title?: string }): Buffer {
  return makeZip({ entries: [{ name: 'cmi5.xml', data: courseXml(units, course) }, { name: 'index.html', data: '<!doctype html><title>An AU</title>' }, ...more] });
}
