import type { Feed } from '../feed/service.js';
import type { FeedEntry, Position } from '../statements/store.js';
import { onOneLine } from '../xapi/one-line.js';
import type { StatementKey } from '../xapi/statement-keys.js';

/** What a listener wants to see. */
export interface LiveRequest {
  tenant: string;
  filters: StatementKey[][];
  /** `stored` later than this and at or before that, in milliseconds since the epoch. */
  since?: number;
  until?: number;
  /** The last event the listener has seen; without it, from now on. */
  after?: Position;
  signal: AbortSignal;
  /** Sets memory aside for entries of so many bytes. @returns what gives it back, or undefined when there is none */
  reserve(bytes: number): (() => void) | undefined;
  /** Waits until the listener has taken what it was given, or has gone. */
  taken(): Promise<void>;
}

/** Entries read from the feed at a time. */
const SLICE = 200;
/** Bytes that are handed on together; and of entries, from which on memory is set aside for them. */
const CHUNK = 64 << 10;
/** Milliseconds between signs of life on a quiet stream, short of what proxies take for dead. */
const HEARTBEAT = 15_000;

/**
 * The statements of a tenant as they are stored, in feed order, as server-sent events: the id is the position, so that a
 * listener that was cut off goes on with Last-Event-ID and misses nothing. An erasure is an event of its own. When the
 * listener is slow, the feed waits for it, and what it has not taken is set aside from the memory for answers; a stream that finds no room
 * there ends, and its client comes back.
 */
export async function* liveEvents(feed: Feed, request: LiveRequest): AsyncGenerator<Buffer> {
  const { tenant, signal, reserve, taken } = request;
  let position = request.after ?? await feed.head(tenant);
  yield Buffer.from(`retry: 2000\nid: ${position}\n\n`);
  const watch = feed.watch(tenant);
  try {
    while (!signal.aborted) {
      watch.begin();
      const entries = await watch.read(position, SLICE);
      const held = entries.reduce((bytes, entry) => bytes + (entry.kind === 'statement' ? entry.text.length : 0), 0);
      const giveBack = held < CHUNK ? undefined : reserve(held);
      if (held >= CHUNK && !giveBack) return;
      try {
        yield* inChunks(entries.flatMap((entry) => eventOf(feed, entry, request)));
        position = entries.at(-1)?.position ?? position;
        if (giveBack) await taken();
      } finally {
        giveBack?.();
      }
      if (entries.length > 0) continue;
      if (await watch.wait(HEARTBEAT, signal)) yield Buffer.from(`: ${position}\n\n`);
    }
  } finally {
    watch.close();
  }
}

/** Short pieces together, and long ones as they are, since a copy would be as long. */
function* inChunks(pieces: readonly Buffer[]): Generator<Buffer> {
  let small: Buffer[] = [];
  let bytes = 0;
  for (const piece of pieces) {
    if (piece.length < CHUNK) {
      small.push(piece);
      bytes += piece.length;
    }
    if (bytes > 0 && (bytes >= CHUNK || piece.length >= CHUNK)) {
      yield Buffer.concat(small);
      small = [];
      bytes = 0;
    }
    if (piece.length >= CHUNK) yield piece;
  }
  if (bytes > 0) yield Buffer.concat(small);
}

const EVENT_END = Buffer.from('\n\n');
/** Texts on one line, of those that were not; listeners share them as they share the entries. */
const onOneLineAlready = new WeakMap<Buffer, Buffer>();

/** A statement's text may hold line breaks between its members, which in JSON are white space; an event ends at one. */
function lineOf(text: Buffer): Buffer {
  let line = onOneLineAlready.get(text);
  if (!line) onOneLineAlready.set(text, line = onOneLine(text));
  return line;
}

/** The pieces of an entry's event; none when the listener does not want to see it. */
function eventOf(feed: Feed, entry: FeedEntry, { filters, since, until }: LiveRequest): Buffer[] {
  if (entry.kind === 'erasure') return [Buffer.from(`id: ${entry.position}\nevent: erasure\ndata: ${JSON.stringify({ erased: entry.erased, redacted: entry.redacted })}\n\n`)];
  if ((since !== undefined && entry.stored <= since) || (until !== undefined && entry.stored > until)) return [];
  if (entry.voided || !feed.matches(entry, filters)) return [];
  return [Buffer.from(`id: ${entry.position}\nevent: statement\ndata: `), lineOf(entry.text), EVENT_END];
}
