import t from 'tap';
import { readCourse } from '../../../../src/cmi5/course/read-course.js';
import { courseXml } from './course-xml.js';

const declared = (encoding: string): string => courseXml({ lead: `<?xml version='1.0' encoding="${encoding}"?>\n` }).replace('Rocks', 'Grès – 岩');
const swapped = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16();

async function titleOf(bytes: Buffer): Promise<string | undefined> {
  const reading = await readCourse(bytes);
  return 'structure' in reading ? reading.structure.title[0]?.text : `${reading.faults[0]?.rule} ${reading.faults[0]?.line ?? ''}`.trim();
}

t.test('encodings that are told by a mark, by the first bytes, or by the declaration', async (t) => {
  const right: [string, Buffer][] = [
    ['UTF-8', Buffer.from(declared('utf-8'))],
    ['UTF-8 with a mark', Buffer.from(`\ufeff${declared('UTF-8')}`)],
    ['no declaration', Buffer.from(declared('utf-8').replace(/^.*\n/, ''))],
    ['no declaration but a mark', Buffer.from(`\ufeff${declared('utf-8').replace(/^.*\n/, '')}`)],
    ['UTF-16 with a mark', Buffer.from(`\ufeff${declared('UTF-16')}`, 'utf16le')],
    ['UTF-16, big end first', swapped(`\ufeff${declared('utf-16')}`)],
    ['UTF-16 without a mark', Buffer.from(declared('UTF-16LE'), 'utf16le')],
    ['UTF-16, big end first, without a mark', swapped(declared('UTF-16BE'))],
    ['UTF-16 that declares UTF-8', Buffer.from(`\ufeff${declared('utf-8')}`, 'utf16le')],
    ['GB18030', Buffer.concat([Buffer.from(declared('GB18030').split('Grès')[0] ?? ''), Buffer.from([0x47, 0x72, 0xa8, 0xa8, 0x73, 0x20, 0xa8, 0x43, 0x20, 0xd1, 0xd2]), Buffer.from(declared('GB18030').split('岩')[1] ?? '')])],
  ];
  for (const [name, bytes] of right) t.equal(await titleOf(bytes), 'Grès – 岩', name);
  const latin = (encoding: string): Buffer => Buffer.from(declared(encoding).replace(' – 岩', ''), 'latin1');
  for (const encoding of ['ISO-8859-1', 'iso-8859-15', 'windows-1252', 'latin1']) t.equal(await titleOf(latin(encoding)), 'Grès', encoding);
  t.equal(await titleOf(Buffer.from(declared('us-ascii').replace('Grès – 岩', 'Gr&#xe8;s'))), 'Grès');
});

t.test('bytes that are not what they are said to be are refused, not guessed', async (t) => {
  const wrong: [string, Buffer][] = [
    ['Latin 1 without a declaration', Buffer.from(declared('utf-8').replace(' – 岩', ''), 'latin1')],
    ['half a character', Buffer.from(declared('utf-8')).fill(0xe5, 300, 301)],
    ['UTF-8 that declares UTF-16', Buffer.from(declared('UTF-16'))],
    ['UTF-8 that declares UTF-16LE', Buffer.from(declared('utf-16le'))],
    ['an odd number of bytes of UTF-16', Buffer.from(`\ufeff${declared('UTF-16')}`, 'utf16le').subarray(0, 801)],
    ['half a surrogate pair', Buffer.from(`\ufeff${declared('UTF-16').replace('岩', '\ud800')}`, 'utf16le')],
    ['UTF-32', Buffer.concat([...`\ufeff${declared('UTF-32')}`].map((character) => Buffer.from([character.charCodeAt(0) & 255, character.charCodeAt(0) >> 8, 0, 0])))],
    ['UTF-32, big end first', Buffer.from([0, 0, 0xfe, 0xff, 0, 0, 0, 0x3c])],
    ['UTF-7', Buffer.from(declared('utf-7'))],
    ['a made-up encoding', Buffer.from(declared('x-nothing'))],
    ['an encoding of escapes', Buffer.from(declared('iso-2022-kr'))],
  ];
  for (const [name, bytes] of wrong) t.equal(await titleOf(bytes), 'xml-encoding 1', name);
  t.match(await titleOf(Buffer.from([0x4c, 0x6f, 0xa7, 0x94])), /xml-encoding|not-a-package/, 'EBCDIC');
  t.match(await titleOf(Buffer.from(declared('utf-8').replace('岩', '\u0001'))), /xml-well-formed/, 'a control character');
  t.match(await titleOf(Buffer.from(declared('utf-8').replace('岩', '\0'))), /xml-well-formed/, 'a null character');
});
