import { readFile } from 'node:fs/promises';
import { crc32 } from 'node:zlib';

/** The folder of this file in the sources, from where it is when compiled. */
const sources = new URL('../../../test/e2e/', import.meta.url);
const modules = new URL('../../../node_modules/', import.meta.url);

/** A zip of files, none of them compressed. */
export function zipOf(files: Record<string, Buffer | string>): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of Object.entries(files)) {
    const path = Buffer.from(name);
    const bytes = Buffer.from(content);
    const entry = Buffer.alloc(26);
    entry.writeUInt16LE(20, 0);
    entry.writeUInt16LE(0x800, 2);
    entry.writeUInt16LE(0x21, 8);
    entry.writeUInt32LE(crc32(bytes), 10);
    entry.writeUInt32LE(bytes.length, 14);
    entry.writeUInt32LE(bytes.length, 18);
    entry.writeUInt16LE(path.length, 22);
    local.push(Buffer.from('PK\x03\x04', 'latin1'), entry, path, bytes);
    const listed = Buffer.alloc(16);
    listed.writeUInt32LE(offset, 12);
    central.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), entry, listed.subarray(2), path);
    offset += 4 + entry.length + path.length + bytes.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(Object.keys(files).length, 4);
  end.writeUInt16LE(Object.keys(files).length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...local, directory, Buffer.from('PK\x05\x06', 'latin1'), end]);
}

const fixture = (path: string): Promise<Buffer> => readFile(new URL(`fixtures/${path}`, sources));

/** The package of `fixtures/rustici`, with the library in it. */
export async function rusticiPackage(launchMethod: 'AnyWindow' | 'OwnWindow' = 'AnyWindow'): Promise<Buffer> {
  return zipOf({
    'cmi5.xml': (await fixture('rustici/cmi5.xml')).toString('utf8').replace('AnyWindow', launchMethod), 'pages/index.html': await fixture('rustici/index.html'), 'lib/unit.js': await fixture('rustici/unit.js'),
    'lib/cmi5.js': await readFile(new URL('@rusticisoftware/cmi5/dist/cmi5.js', modules)),
  });
}

/** The package of `fixtures/xapi-js`, with the library in it. */
export async function xapiJsPackage(): Promise<Buffer> {
  return zipOf({
    'cmi5.xml': await fixture('xapi-js/cmi5.xml'), 'index.html': await fixture('xapi-js/index.html'), 'lib/unit.js': await fixture('xapi-js/unit.js'),
    'lib/cmi5.js': await readFile(new URL('@xapi/cmi5/dist/Cmi5.umd.js', modules)),
  });
}
