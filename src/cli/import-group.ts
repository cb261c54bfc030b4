import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Place } from './source-item.js';

/** Lines that are sent as one request, and can be sent again. Few stay in memory; with large attachments they wait in a file. */
export interface ImportGroup {
  readonly statements: number;
  readonly bytes: number;
  addStatement(line: Buffer, place: Place): Promise<void>;
  addAttachment(line: Buffer): Promise<void>;
  /** The lines from the first. */
  body(): Buffer | Readable;
  /** Where the statement of a line (from 1) stands in the source; undefined for a piece of an attachment. */
  placeOf(line: number): Place | undefined;
  /** The last statement of moderate size whose line is not among these. */
  lastOutside(lines: ReadonlySet<number>): Buffer | undefined;
  discard(): Promise<void>;
}

const mostHeld = 8 << 20;
const moderate = 64 << 10;
const lineEnd = Buffer.from('\n');

export function createImportGroup(): ImportGroup {
  const places = new Map<number, { place: Place; line?: Buffer }>();
  let held: Buffer[] = [];
  let heldBytes = 0;
  let bytes = 0;
  let lines = 0;
  let folder: string | undefined;
  let file: FileHandle | undefined;

  async function add(line: Buffer): Promise<void> {
    held.push(line, lineEnd);
    heldBytes += line.length + 1;
    bytes += line.length + 1;
    lines++;
    if (heldBytes <= mostHeld) return;
    if (!file) {
      folder = await mkdtemp(join(tmpdir(), 'quipu-import-'));
      file = await open(join(folder, 'group'), 'w', 0o600);
    }
    await file.appendFile(Buffer.concat(held));
    held = [];
    heldBytes = 0;
  }

  return {
    get statements() {
      return places.size;
    },
    get bytes() {
      return bytes;
    },
    addStatement: async (line, place) => {
      await add(line);
      places.set(lines, line.length > moderate ? { place } : { place, line });
    },
    addAttachment: add,
    body: () => (folder === undefined ? Buffer.concat(held) : joined(join(folder, 'group'), Buffer.concat(held))),
    placeOf: (line) => places.get(line)?.place,
    lastOutside: (refused) => [...places].findLast(([number, { line }]) => line !== undefined && !refused.has(number))?.[1].line,
    discard: async () => {
      await file?.close();
      if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

function joined(path: string, rest: Buffer): Readable {
  const parts = async function* (): AsyncGenerator<Buffer> {
    yield* createReadStream(path) as AsyncIterable<Buffer>;
    if (rest.length > 0) yield rest;
  };
  return Readable.from(parts(), { objectMode: false });
}
