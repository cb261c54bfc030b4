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
}

/** Entries read from the feed at a time. */
const SLICE = 200;
/** Characters of events that are handed on together, so that a slow listener holds few of them. */
const CHUNK = 64 << 10;
/** Milliseconds between signs of life on a quiet stream, short of what proxies take for dead. */
const HEARTBEAT = 15_000;

/**
 * The statements of a tenant as they are stored, in feed order, as server-sent events: the id is the position, so that a
 * listener that was cut off goes on with Last-Event-ID and misses nothing. An erasure is an event of its own. When the
 * listener is slow, the feed waits for it: nothing is held in memory.
 */
export async function* liveEvents(feed: Feed, request: LiveRequest): AsyncGenerator<string> {
  const { tenant, signal } = request;
  let position = request.after ?? await feed.head(tenant);
  yield `retry: 2000\nid: ${position}\n\n`;
  const watch = feed.watch(tenant);
  try {
    while (!signal.aborted) {
      watch.begin();
      const entries = await feed.read(tenant, position, SLICE);
      let events = '';
      for (const entry of entries) {
        position = entry.position;
        events += eventOf(feed, entry, request);
        if (events.length < CHUNK) continue;
        yield events;
        events = '';
      }
      if (events) yield events;
      if (entries.length > 0) continue;
      if (await watch.wait(HEARTBEAT, signal)) yield `: ${position}\n\n`;
    }
  } finally {
    watch.close();
  }
}

function eventOf(feed: Feed, entry: FeedEntry, { filters, since, until }: LiveRequest): string {
  if (entry.kind === 'erasure') return `id: ${entry.position}\nevent: erasure\ndata: ${JSON.stringify({ erased: entry.erased, redacted: entry.redacted })}\n\n`;
  if ((since !== undefined && entry.stored <= since) || (until !== undefined && entry.stored > until)) return '';
  if (entry.voided || !feed.matches(entry, filters)) return '';
  // A statement's text may hold line breaks between its members, which in JSON are white space; an event ends at one.
  return `id: ${entry.position}\nevent: statement\ndata: ${onOneLine(entry.text).toString('utf8')}\n\n`;
}
