import type { KeyHash } from '../xapi/key-hash.js';
import { KEY_BYTES, type KeyRun } from '../xapi/key-run.js';
import { keyValues } from '../xapi/statement-keys.js';
import { TOLD_BYTES, type ToldRun } from '../xapi/told.js';
import type { Statement } from '../xapi/types.js';
import { readUuid, UUID_BYTES, writeUuid } from '../xapi/uuids.js';
import type { NewStatement } from './store.js';

/**
 * Statements judged valid and normalised, in a form that goes from one thread to another without being copied or taken apart: the bytes
 * of all of them in one buffer, and a table of where each part stands. Of each statement stand in a row: its id; the id that it refers
 * to, if it does; what it tells, hashed; room for what a store puts before; its keys, hashed; its text; room for what closes it.
 */
export interface PreparedBytes {
  bytes: Uint8Array;
  /** COLUMNS numbers a statement. */
  table: readonly number[];
  /** The ids as the client wrote them, or as they were made for it. */
  ids: string[];
  /** Salt by which the keys are hashed. */
  salt: string;
  /** Whether one of the statements is signed. */
  signed?: boolean;
  /** The statements themselves, where they need not go from one thread to another. */
  values?: readonly Statement[];
}

/** What the store has to be given of a statement. */
export interface PreparedParts {
  /** As the client wrote it. */
  id: string;
  /** Id of the StatementRef that is its object. */
  target?: string;
  keys: KeyRun;
  told: ToldRun;
  /** Pieces of the text, one after the other: see `NewStatement.text`. */
  text: readonly (Buffer | string)[];
  timed: boolean;
  /** Whether the client gave the id. */
  named: boolean;
  voids: boolean;
  defines: boolean;
}

/** Bytes of room before the keys and after the text. */
const ROOM_BEFORE = 32;
const ROOM_AFTER = 80;

const START = 0;
const FLAGS = 1;
const TOLD = 2;
const KEYS = 3;
const END = 4;
const COLUMNS = 5;

const TIMED = 1;
const VOIDS = 2;
const DEFINES = 4;
const REFERS = 8;
const NAMED = 16;

/** Gathers prepared statements. */
export interface BatchWriter {
  add(parts: PreparedParts): void;
  finish(): PreparedBytes;
}

/** Bytes below which memory comes from Node's pool. */
const SMALL = 4 << 10;

/** @param expected bytes that the whole is expected to take; it may take more */
export function createBatchWriter(hash: KeyHash, expected: number): BatchWriter {
  // What is large is memory of its own, which another thread can be given; what is small is cut from the pool.
  let bytes = expected < SMALL ? Buffer.allocUnsafe(expected) : Buffer.allocUnsafeSlow(expected);
  const table: number[] = [];
  const ids: string[] = [];
  let at = 0;

  function room(length: number): void {
    if (at + length <= bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(at + length, bytes.length * 2));
    bytes.copy(larger, 0, 0, at);
    bytes = larger;
  }

  function put(piece: Buffer | string): void {
    room(typeof piece === 'string' ? piece.length * 3 : piece.length);
    at += typeof piece === 'string' ? bytes.write(piece, at, 'utf8') : piece.copy(bytes, at);
  }

  return {
    add: ({ id, target, keys, told, text, timed, named, voids, defines }) => {
      const start = at;
      room(2 * UUID_BYTES);
      writeUuid(bytes, at, id);
      at += UUID_BYTES;
      if (target !== undefined) {
        writeUuid(bytes, at, target);
        at += UUID_BYTES;
      }
      put(told);
      room(ROOM_BEFORE);
      at += ROOM_BEFORE;
      put(keys);
      for (const piece of text) put(piece);
      table.push(start, (timed ? TIMED : 0) | (voids ? VOIDS : 0) | (defines ? DEFINES : 0) | (target === undefined ? 0 : REFERS) | (named ? NAMED : 0), told.length / TOLD_BYTES, keys.length / KEY_BYTES, at);
      room(ROOM_AFTER);
      at += ROOM_AFTER;
      ids.push(id);
    },
    finish: () => ({ bytes: bytes.subarray(0, at), table, ids, salt: hash.salt }),
  };
}

/** Keys and text of a statement with `before` bytes before them and what closes the text: see `NewStatement.framed`. */
export function frame(before: number, keys: KeyRun, text: Buffer, close: Buffer): Buffer {
  return Buffer.concat([Buffer.allocUnsafe(before), keys, text, close]);
}

/** The statements of a batch as the store takes them; nothing is read before it is asked for. */
export function readBatch({ bytes, table, ids, salt, values }: PreparedBytes): NewStatement[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return ids.map((id, index) => new PreparedStatement(buffer, table, index * COLUMNS, id, salt, values?.[index]));
}

class PreparedStatement implements NewStatement {
  readonly id: string;
  readonly #bytes: Buffer;
  readonly #table: readonly number[];
  readonly #row: number;
  readonly #salt: string;
  #value: Statement | undefined;

  constructor(bytes: Buffer, table: readonly number[], row: number, id: string, salt: string, value: Statement | undefined) {
    this.#bytes = bytes;
    this.#table = table;
    this.#row = row;
    this.#salt = salt;
    this.#value = value;
    this.id = id.toLowerCase();
  }

  get #flags(): number {
    return this.#table[this.#row + FLAGS]!;
  }

  get #toldAt(): number {
    return this.#table[this.#row + START]! + (this.#flags & REFERS ? 2 * UUID_BYTES : UUID_BYTES);
  }

  get #keysAt(): number {
    return this.#toldAt + this.#table[this.#row + TOLD]! * TOLD_BYTES + ROOM_BEFORE;
  }

  get #textAt(): number {
    return this.#keysAt + this.#table[this.#row + KEYS]! * KEY_BYTES;
  }

  get #end(): number {
    return this.#table[this.#row + END]!;
  }

  get uuid(): Buffer {
    const start = this.#table[this.#row + START]!;
    return this.#bytes.subarray(start, start + UUID_BYTES);
  }

  get target(): string | undefined {
    return this.#flags & REFERS ? readUuid(this.#bytes, this.#table[this.#row + START]! + UUID_BYTES) : undefined;
  }

  get timed(): boolean {
    return (this.#flags & TIMED) !== 0;
  }

  get named(): boolean {
    return (this.#flags & NAMED) !== 0;
  }

  get voids(): boolean {
    return (this.#flags & VOIDS) !== 0;
  }

  get defines(): boolean {
    return (this.#flags & DEFINES) !== 0;
  }

  get told(): ToldRun {
    const at = this.#toldAt;
    return this.#bytes.subarray(at, at + this.#table[this.#row + TOLD]! * TOLD_BYTES);
  }

  get text(): Buffer {
    return this.#bytes.subarray(this.#textAt, this.#end);
  }

  get value(): Statement {
    this.#value ??= this.#complete();
    return this.#value;
  }

  /** As it will be stored, but for what the store adds. */
  #complete(): Statement {
    return JSON.parse(`${this.text.toString('utf8')}}`) as Statement;
  }

  keys(hash: KeyHash): KeyRun {
    return hash.salt === this.#salt ? this.#bytes.subarray(this.#keysAt, this.#textAt) : hash.run(keyValues(this.#complete()));
  }

  framed(hash: KeyHash, before: number, close: Buffer): Buffer {
    if (before > ROOM_BEFORE || close.length > ROOM_AFTER || hash.salt !== this.#salt) return frame(before, this.keys(hash), this.text, close);
    close.copy(this.#bytes, this.#end);
    return this.#bytes.subarray(this.#keysAt - before, this.#end + close.length);
  }
}
