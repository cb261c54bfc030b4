import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { randomBytes, randomFillSync } from 'node:crypto';
import { ClassicLevel } from 'classic-level';
import { createKeyHash } from '../../src/xapi/key-hash.js';
import { levelOptions, NOTHING } from '../../src/storage/leveldb/level.js';
import { statementKeys } from '../../src/xapi/statement-keys.js';
import { POSTINGS_AFTER } from '../../src/storage/leveldb/recent-postings.js';
import type { Actor, Statement } from '../../src/xapi/types.js';
import { generateStatements, platform, type Population } from '../generator.js';
import type { Sample } from '../scenario.js';

/** Write commits. */
export interface LevelWrite {
  do: 'write';
  /** End after so many seconds. */
  seconds?: number;
  /** End after so many statements. */
  statements?: number;
  /** Statements in a commit: those of all requests that a load has under way. */
  perCommit: number;
  seed: number;
  population?: Population;
  /** Bytes of attachments; none when not given. */
  attachmentBytes?: number;
  /** Attachments in a commit, small ones: their bytes are part of it. */
  attachments?: number;
}

/** Read by id. */
export interface LevelRead {
  do: 'read';
  seconds: number;
}

export type LevelQuestion = LevelWrite | LevelRead;
export interface LevelAnswer {
  sample?: Sample;
  error?: string;
}

/**
 * The floor of the store: a bare loop that writes the bytes and the keys that a statement has in the embedded store — the record,
 * the entry of its id, its postings grouped by key as the store groups them — into the same engine with the same options, each commit with
 * fsync, and does nothing else: nothing parsed, compared or answered.
 */
const POOL = 10_000;
const KEY_BYTES = 9;
const authority: Actor = { objectType: 'Agent', account: { homePage: 'https://lms.example.org', name: 'a-key-of-the-benchmark' } };

interface Prepared {
  /** Flags, time, id, number of keys, keys, text: what a record of the store has. The id is at 7. */
  record: Buffer;
  keys: Buffer[];
}

const folder = process.argv[2]!;
await mkdir(folder, { recursive: true });
const level = new ClassicLevel<Buffer, Buffer>(join(folder, 'level'), levelOptions);
await level.open();
const hash = createKeyHash('salt');
let position = 0;
for await (const key of level.keys({ gte: Buffer.from('s'), lt: Buffer.from('t'), reverse: true, limit: 1 })) position = key.readUIntBE(1, 6);
const ids: Buffer[] = [];
const pools = new Map<string, Prepared[]>();
/** Postings that are not written yet, and of how many statements. */
let lists = new Map<string, { key: Buffer; positions: number[] }>();
let listed = 0;

function prepare(seed: number, population: Population): Prepared[] {
  return Array.from(generateStatements(seed, POOL, population), (statement) => {
    const value = { ...statement, authority, version: '1.0.0', stored: statement.timestamp! } as Statement;
    const keys = statementKeys(value).map((key) => hash.key(key));
    const head = Buffer.alloc(27);
    head.writeUInt32BE(keys.length, 23);
    return { keys, record: Buffer.concat([head, ...keys, Buffer.from(JSON.stringify(value))]) };
  });
}

function numbered(prefix: Buffer | string, number: number): Buffer {
  const start = typeof prefix === 'string' ? Buffer.from(prefix) : prefix;
  const key = Buffer.allocUnsafe(start.length + 6);
  start.copy(key);
  key.writeUIntBE(number, start.length, 6);
  return key;
}

/** @param contents bytes of attachments */
async function commit(from: Prepared[], count: number, contents: readonly Buffer[]): Promise<void> {
  const batch = level.batch();
  const fresh = randomFillSync(Buffer.allocUnsafe(16 * count));
  const stored = Date.now();
  for (let index = 0; index < count; index++) {
    const { record: prepared, keys } = from[position % from.length]!;
    const id = fresh.subarray(16 * index, 16 * index + 16);
    position++;
    const record = Buffer.from(prepared);
    record.writeUIntBE(stored, 1, 6);
    id.copy(record, 7);
    batch.put(numbered('s', position), record);
    batch.put(Buffer.concat([Buffer.from('i'), id]), numbered('', position));
    if (ids.length < 100_000) ids.push(id);
    else ids[position % ids.length] = id;
    for (const key of keys) {
      const name = key.toString('latin1');
      const list = lists.get(name);
      if (list) list.positions.push(position);
      else lists.set(name, { key, positions: [position] });
    }
  }
  listed += count;
  if (listed >= POSTINGS_AFTER) {
    for (const { key, positions } of lists.values()) {
      const prefix = Buffer.allocUnsafe(1 + KEY_BYTES);
      prefix[0] = 0x70;
      key.copy(prefix, 1);
      batch.put(numbered(prefix, positions[0]!), differences(positions));
    }
    lists = new Map();
    listed = 0;
  }
  for (const content of contents) {
    const sha2 = randomBytes(32);
    batch.put(Buffer.concat([Buffer.from('h'), sha2]), numbered('', stored));
    batch.put(Buffer.concat([numbered('f', stored), sha2]), content);
  }
  await batch.write({ sync: true });
}

/** Positions after the first as differences of seven bits a byte. */
function differences(positions: number[]): Buffer {
  if (positions.length === 1) return NOTHING;
  const bytes: number[] = [];
  for (let index = 1; index < positions.length; index++) {
    let difference = positions[index]! - positions[index - 1]!;
    for (; difference >= 0x80; difference = Math.floor(difference / 0x80)) bytes.push((difference & 0x7f) | 0x80);
    bytes.push(difference);
  }
  return Buffer.from(bytes);
}

async function write({ seconds = Infinity, statements = Infinity, perCommit, seed, population = platform, attachments = 0, attachmentBytes = 0 }: LevelWrite): Promise<Sample> {
  const name = JSON.stringify([seed, population]);
  const from = pools.get(name) ?? prepare(seed, population);
  pools.set(name, from);
  const contents = Array.from({ length: attachments }, () => randomBytes(attachmentBytes));
  const latencies: number[] = [];
  const began = performance.now();
  let written = 0;
  while (written < statements && performance.now() - began < seconds * 1000) {
    const start = performance.now();
    const count = Math.min(perCommit, statements - written);
    await commit(from, count, contents);
    latencies.push(performance.now() - start);
    written += count;
  }
  return sampleOf(written, performance.now() - began, latencies, 0);
}

async function read({ seconds }: LevelRead): Promise<Sample> {
  // What an earlier process wrote is found by its index.
  if (ids.length === 0) for await (const key of level.keys({ gte: Buffer.from('i'), lt: Buffer.from('j'), limit: 100_000 })) ids.push(key.subarray(1));
  if (ids.length === 0) throw new Error('nothing was written that could be read');
  const began = performance.now();
  const latencies: number[] = [];
  let count = 0;
  let wrong = 0;
  for (let now = began; now - began < seconds * 1000;) {
    const start = now;
    for (let turn = 0; turn < 100; turn++) {
      const entry = level.getSync(Buffer.concat([Buffer.from('i'), ids[Math.floor(Math.random() * ids.length)]!]));
      const record = entry && level.getSync(numbered('s', entry.readUIntBE(0, 6)));
      if (!record) wrong++;
    }
    count += 100;
    now = performance.now();
    latencies.push((now - start) / 100);
  }
  return sampleOf(count, performance.now() - began, latencies, wrong);
}

function sampleOf(count: number, milliseconds: number, latencies: number[], wrong: number): Sample {
  latencies.sort((a, b) => a - b);
  const at = (share: number): number | undefined => latencies[Math.min(latencies.length - 1, Math.floor(share * latencies.length))];
  return { rate: (count / milliseconds) * 1000, p50: at(0.5), p99: at(0.99), wrong };
}

/** Nobody hears an answer when the run was interrupted meanwhile. */
function answer(what: LevelAnswer): void {
  if (process.connected) process.send!(what);
}

process.on('message', (question: LevelQuestion) => {
  (question.do === 'write' ? write(question) : read(question)).then((sample) => answer({ sample }), (error: Error) => answer({ error: error.message }));
});
process.on('SIGINT', () => undefined);
process.once('disconnect', () => {
  void level.close().finally(() => process.exit(0));
});
answer({});
