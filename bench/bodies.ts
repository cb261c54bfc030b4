import { createHash, randomBytes } from 'node:crypto';
import { createRandom, generateStatements, platform, type Population } from './generator.js';

/** What bodies are made of. */
export interface BodiesOptions {
  seed: number;
  /** Statements in a body; a body of one is the statement itself, one of more an array. */
  perRequest: number;
  population?: Population;
  /** Different statements that bodies are made of, 10,000 when not given; each is used again with another id. */
  pool?: number;
  /** Bytes of an attachment: the first of every ten statements has one, and the body is multipart/mixed. None when not given. */
  attachmentBytes?: number;
  /** 16 bytes that the ids come from; random ones when not given, so that ids are new to a store that is kept from run to run. */
  salt?: Buffer;
}

/** A stream of bodies, none like another. */
export interface Bodies {
  readonly contentType: string;
  /** The next body, with an id of its own in each statement. Costs about the copying of it. */
  next(): Buffer;
  /** Statements given out so far. */
  given(): number;
  /** Id of the statement with that number, from 0. */
  id(number: number): string;
  /** Id of the first statement of the body that was given last. */
  firstId(): string;
  /** Ids of statements given out, evenly spread over those from number `from` on, which is 0 when not given. */
  sample(count: number, from?: number): string[];
}

/** Every so many statements one has an attachment. */
const STATEMENTS_AN_ATTACHMENT = 10;
const BOUNDARY = 'a-boundary-of-the-benchmark';
const ID_START = '{"id":"';
const SHA_START = '"sha2":"';

interface Template {
  bytes: Buffer;
  /** Where the ids are, one a statement. */
  ids: number[];
  attachments: { /** Where its hash is in the statement and in its part's header. */ hashes: number[]; start: number; length: number }[];
}

/** Makes bodies by patching the bytes of prepared ones, so that the load tool has little to do. */
export function createBodies(options: BodiesOptions): Bodies {
  const { seed, perRequest, population = platform, pool = 10_000, attachmentBytes, salt = randomBytes(16) } = options;
  const templates: Template[] = [];
  let texts: string[] = [];
  for (const statement of generateStatements(seed, Math.max(1, Math.ceil(pool / perRequest)) * perRequest, population)) {
    texts.push(JSON.stringify(statement));
    if (texts.length < perRequest) continue;
    templates.push(attachmentBytes === undefined ? jsonTemplate(texts) : multipartTemplate(texts, attachmentBytes, seed + templates.length));
    texts = [];
  }
  const ids = createIds(salt);
  let given = 0;
  let turn = 0;
  return {
    contentType: attachmentBytes === undefined ? 'application/json' : `multipart/mixed; boundary=${BOUNDARY}`,
    next: () => {
      const template = templates[turn++ % templates.length]!;
      const body = Buffer.from(template.bytes);
      for (const { start, hashes, length } of template.attachments) {
        body.writeUInt32LE(given, start);
        salt.copy(body, start + 4);
        const sha2 = createHash('sha256').update(body.subarray(start, start + length)).digest('hex');
        for (const offset of hashes) body.write(sha2, offset, 'latin1');
      }
      for (const offset of template.ids) ids.write(given++, body, offset);
      return body;
    },
    given: () => given,
    id: (number) => ids.text(number),
    firstId: () => ids.text(given - perRequest),
    sample: (count, from = 0) => {
      const many = Math.min(count, given - from);
      return Array.from({ length: many }, (_, index) => ids.text(from + Math.floor((index * (given - from)) / many)));
    },
  };
}

function jsonTemplate(texts: string[]): Template {
  const bytes = Buffer.from(texts.length === 1 ? texts[0]! : `[${texts.join(',')}]`);
  const ids: number[] = [];
  let at = texts.length === 1 ? 0 : 1;
  for (const text of texts) {
    ids.push(at + ID_START.length);
    at += Buffer.byteLength(text) + 1;
  }
  return { bytes, ids, attachments: [] };
}

function multipartTemplate(texts: string[], length: number, seed: number): Template {
  const random = createRandom(seed);
  const place = (index: number): string => index.toString(16).padStart(64, '0');
  const withAttachments = texts.map((text, index) => (index % STATEMENTS_AN_ATTACHMENT !== 0 ? text
    : `${text.slice(0, -1)},"attachments":[{"usageType":"https://lms.example.org/attachments/submission","display":{"en-US":"Submission"},"contentType":"application/octet-stream","length":${length},${SHA_START}${place(index)}"}]}`));
  const json = jsonTemplate(withAttachments);
  const head = Buffer.from(`--${BOUNDARY}\r\nContent-Type: application/json\r\n\r\n`);
  const parts: Buffer[] = [head, json.bytes];
  const attachments: Template['attachments'] = [];
  let at = head.length + json.bytes.length;
  for (let index = 0; index < texts.length; index += STATEMENTS_AN_ATTACHMENT) {
    const before = `\r\n--${BOUNDARY}\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\nX-Experience-API-Hash: `;
    const part = Buffer.from(`${before}${place(index)}\r\n\r\n`);
    const content = Buffer.allocUnsafe(length);
    for (let byte = 0; byte < length; byte++) content[byte] = Math.floor(random() * 256);
    const inStatement = head.length + json.bytes.indexOf(SHA_START + place(index)) + SHA_START.length;
    attachments.push({ hashes: [inStatement, at + before.length], start: at + part.length, length });
    parts.push(part, content);
    at += part.length + length;
  }
  parts.push(Buffer.from(`\r\n--${BOUNDARY}--\r\n`));
  return { bytes: Buffer.concat(parts), ids: json.ids.map((offset) => offset + head.length), attachments };
}

const hexDigits = Buffer.from('0123456789abcdef');
/** Where the two digits of each byte of a UUID stand in its text. */
const places = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

/**
 * Ids that are a function of a number, so that none has to be remembered: spread like random ones, and none twice below 2^32,
 * since the first 32 bits are a permutation of the number.
 */
function createIds(salt: Buffer): { write(number: number, target: Buffer, offset: number): void; text(number: number): string } {
  const salts = [0, 4, 8, 12].map((offset) => salt.readUInt32LE(offset));
  const scratch = Buffer.alloc(36, '-');
  const write = (number: number, target: Buffer, offset: number): void => {
    for (let word = 0; word < 4; word++) {
      let mixed = (number + salts[word]!) | 0;
      mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
      mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
      mixed = (mixed ^ (mixed >>> 16)) >>> 0;
      if (word === 1) mixed = (mixed & 0xffff0fff) | 0x4000;
      if (word === 2) mixed = (mixed & 0x3fffffff) | 0x80000000;
      for (let byte = 0; byte < 4; byte++) {
        const place = offset + places[4 * word + byte]!;
        target[place] = hexDigits[(mixed >>> (28 - 8 * byte)) & 0xf]!;
        target[place + 1] = hexDigits[(mixed >>> (24 - 8 * byte)) & 0xf]!;
      }
    }
    target[offset + 8] = target[offset + 13] = target[offset + 18] = target[offset + 23] = 0x2d;
  };
  return {
    write,
    text: (number) => {
      write(number, scratch, 0);
      return scratch.toString('latin1');
    },
  };
}
