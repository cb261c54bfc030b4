import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { Feed } from '../feed/service.js';
import type { StatementService } from '../statements/service.js';
import { QuipuError } from '../xapi/errors.js';
import { readAgent, readBoolean, readIri, readTimestamp, readUuid, rejectUnknown, type Query } from '../xapi/parameters.js';
import { liveEvents } from './service.js';

export interface LiveOptions {
  feed: Feed;
  statements: StatementService;
  maxDepth: number;
  /** Aborted when the server closes, so that open streams end. */
  closing: AbortSignal;
}

const filters = ['agent', 'verb', 'activity', 'registration', 'related_activities', 'related_agents', 'since', 'until'] as const;

/** Milliseconds after which a stream ends; its client comes back with Last-Event-ID and its credential. */
const LONGEST_STREAM = 600_000;

/** `GET /statements/live`: statements as they arrive, as server-sent events. */
export async function livePlugin(app: FastifyInstance, { feed, statements, maxDepth, closing }: LiveOptions): Promise<void> {
  app.get('/statements/live', {
    config: { permission: 'statements:read-mine' },
    schema: {
      summary: 'Statements as they are stored, as server-sent events', tags: ['statements'], produces: ['text/event-stream'],
      description: `An event \`statement\` for each that satisfies the filters (${filters.join(', ')}, as in GET /xapi/statements), an event \`erasure\` when statements were erased. Resumable by Last-Event-ID; without it from now on. Last-Event-ID 0 is the beginning.`,
    },
  }, async (request, reply) => {
    const query = request.query as Query;
    rejectUnknown(query, filters);
    const agent = readAgent(query, 'agent', { version: '2.0.0', groups: true, maxDepth });
    const lastEvent = request.headers['last-event-id'];
    if (lastEvent !== undefined && !/^\d{1,14}$/.test(String(lastEvent))) {
      throw new QuipuError('invalid-header', 'Last-Event-ID is not one that this stream gave.', { parameter: 'Last-Event-ID', rule: 'last-event-id', expected: 'the id of the last event, a whole number' });
    }
    const ended = new AbortController();
    reply.raw.once('close', () => ended.abort());
    const head = await feed.head(request.credential.tenant);
    if (lastEvent !== undefined && Number(lastEvent) > head) {
      throw new QuipuError('invalid-header', `Last-Event-ID is beyond the end of the log, which is at ${head}: what was stored since may be of an older backup. Begin without it, or at 0.`, { parameter: 'Last-Event-ID', rule: 'last-event-id', expected: `the id of an event that this server gave, ${head} at the most` });
    }
    // The credential was judged once: a key that is revoked meanwhile hears no more after this.
    const signal = AbortSignal.any([ended.signal, closing, AbortSignal.timeout(LONGEST_STREAM)]);
    const events = liveEvents(feed, {
      tenant: request.credential.tenant,
      filters: statements.filters(request.credential, {
        ...(agent === undefined ? {} : { agent: agent.actor }),
        verb: readIri(query, 'verb'), activity: readIri(query, 'activity'), registration: readUuid(query, 'registration'),
        relatedActivities: readBoolean(query, 'related_activities'), relatedAgents: readBoolean(query, 'related_agents'),
      }),
      since: readTimestamp(query, 'since'), until: readTimestamp(query, 'until'),
      ...(lastEvent === undefined ? {} : { after: Number(lastEvent) }),
      reserve: (bytes) => reply.holdBytes(bytes),
      taken: () => drained(reply.raw, signal),
      signal,
    });
    return reply
      .headers({ 'Content-Type': 'text/event-stream; charset=utf-8', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' })
      .send(Readable.from(events, { objectMode: false, highWaterMark: 64 * 1024 }));
  });
}

/** Waits until a client has taken what was written for it, or has gone. */
async function drained(response: ServerResponse, gone: AbortSignal): Promise<void> {
  while (response.writableNeedDrain && !gone.aborted) {
    await new Promise<void>((resolve) => {
      const over = (): void => {
        response.off('drain', over);
        gone.removeEventListener('abort', over);
        resolve();
      };
      response.on('drain', over);
      gone.addEventListener('abort', over);
    });
  }
}
