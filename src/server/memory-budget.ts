import { Transform, type Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Credential } from '../auth/credential.js';
import '../auth/request.js';
import { QuipuError } from '../xapi/errors.js';

/** What one tenant may hold of that which the other tenants leave, so that those always find some room. */
const SHARE = 3 / 4;
/** Answers no longer than this are not counted. */
const SMALL_ANSWER = 64 << 10;
/** Answers that are put together at a time; further ones wait, since how large they become is not known before. */
const ANSWERS_IN_THE_MAKING = 16;

/**
 * Bounds the memory that request bodies take together, and as much again that answers do which wait for slow readers. A request
 * reserves what its Content-Length declares, or the largest body when it declares none; a compressed one more when it turns out
 * larger. When a budget is spent, or a tenant's share of it, requests are answered 503 with Retry-After. Bodies of requests that have
 * shown no credential, as those in the alternate syntax before they are unwrapped, take a quarter at the most, and those of one address
 * its share of that, so that strangers keep nobody out.
 * @param maxBytes each budget
 * @param maxBodyBytes most that one body can take, since longer ones are refused or streamed to disk
 */
export function limitMemory(app: FastifyInstance, maxBytes: number, maxBodyBytes: number): void {
  const bodies = createBudget(maxBytes, 'as many request bodies as it may');
  const strangers = createBudget(maxBytes / 4, 'as many request bodies without a credential as it may');
  const answers = createBudget(maxBytes, 'as many answers as it may that their readers have not taken yet');

  function take(request: FastifyRequest, reply: FastifyReply, bytes: number): void {
    const tenant = tenantOf(request);
    if (tenant === undefined) strangers.take(reply, bytes, request.ip);
    bodies.take(reply, bytes, tenant);
  }

  app.addHook('preParsing', (request, reply, _payload, next) => {
    const bytes = declaredBytes(request, maxBodyBytes);
    try {
      if (bytes > 0) take(request, reply, bytes);
    } catch (error) {
      return next(error as QuipuError);
    }
    next();
  });
  // What decompresses stands with each route, so what measures its outcome has to as well.
  app.addHook('onRoute', (route) => {
    // Such a route takes the request itself as it comes.
    if (route.decompress === false) return;
    const before = route.preParsing === undefined ? [] : [route.preParsing].flat();
    route.preParsing = [...before, (request: FastifyRequest, reply: FastifyReply, payload: Readable, done: (error: null, payload: Readable) => void) => {
      const known = declaredBytes(request, maxBodyBytes);
      done(null, isCompressed(request) && known > 0 ? measured(payload, known, maxBodyBytes, (bytes) => take(request, reply, bytes)) : payload);
    }] as typeof before;
  });
  // For streams, of which nobody knows before how much of them waits.
  app.decorateReply('holdBytes', function (this: FastifyReply, bytes: number) {
    try {
      return answers.hold(bytes, tenantOf(this.request));
    } catch {
      return undefined;
    }
  });
  const making = createPlaces(ANSWERS_IN_THE_MAKING);
  app.addHook('preHandler', (request, _reply, next) => {
    // The answer to a HEAD is made whole as well (1.0.3 Part Three 1.1).
    if ((request.method !== 'GET' && request.method !== 'HEAD') || request.routeOptions.config.permission === undefined) return next();
    making.enter(request, () => next(answers.spent() ? answers.refusal() : undefined), () => request.raw.socket.destroyed);
  });
  app.addHook('onSend', (request, reply, payload: unknown, next) => {
    const bytes = heldBytes(payload);
    making.leave(request);
    try {
      if (bytes > SMALL_ANSWER) answers.take(reply, bytes, tenantOf(request));
      next(null, payload);
    } catch (error) {
      next(error as QuipuError);
    }
  });
}

/** Undefined for who has shown no credential. */
function tenantOf(request: FastifyRequest): string | undefined {
  return (request.credential as Credential | undefined)?.tenant;
}

/** Bytes in memory that an answer takes until it is read: of a stream what its `heldBytes` says, and nothing without it. */
function heldBytes(payload: unknown): number {
  if (typeof payload === 'string' || Buffer.isBuffer(payload)) return payload.length;
  return (payload as { heldBytes?: number } | null | undefined)?.heldBytes ?? 0;
}

/** So many places; whoever comes when they are taken waits in line. */
function createPlaces(count: number) {
  const inside = new WeakSet<object>();
  const line: { admit(): void; hasGone(): boolean }[] = [];
  let free = count;
  return {
    /** @param hasGone whether nobody waits for this one any more: then it is passed over */
    enter(who: object, go: () => void, hasGone: () => boolean): void {
      const admit = (): void => {
        free--;
        inside.add(who);
        go();
      };
      if (free > 0) admit();
      else line.push({ admit, hasGone });
    },
    /** Gives the place back; of somebody who has none it does nothing. */
    leave(who: object): void {
      if (!inside.delete(who)) return;
      free++;
      let first = line.shift();
      while (first?.hasGone()) first = line.shift();
      first?.admit();
    },
  };
}

function createBudget(maxBytes: number, what: string) {
  let reserved = 0;
  const heldBy = new Map<string | undefined, number>();
  const refusal = (): QuipuError => new QuipuError('overloaded', `The server holds ${what}; send the request again in a moment.`, { retryAfter: 1 });
  /** Reserves bytes. @returns what gives them back, once @throws QuipuError `overloaded` when there are not so many left, or the holder has its share */
  function hold(bytes: number, holder: string | undefined): () => void {
    const held = heldBy.get(holder) ?? 0;
    if (reserved > 0 && reserved + bytes > maxBytes) throw refusal();
    if (held > 0 && held + bytes > SHARE * (maxBytes - reserved + held)) throw refusal();
    reserved += bytes;
    heldBy.set(holder, held + bytes);
    return () => {
      reserved -= bytes;
      const rest = heldBy.get(holder)! - bytes;
      if (rest > 0) heldBy.set(holder, rest);
      else heldBy.delete(holder);
    };
  }
  return {
    refusal, hold,
    spent: () => reserved >= maxBytes,
    /** The same until the request is over. */
    take(reply: FastifyReply, bytes: number, holder: string | undefined): void {
      whenOver(reply, hold(bytes, holder));
    },
  };
}

/** What is to be done when the connection of a socket is gone. */
const atClose = new WeakMap<object, Set<() => void>>();

/** Calls back once, when the answer is out or its connection gone: of answers that wait behind another one Node then says nothing. */
export function whenOver({ raw, request }: FastifyReply, done: () => void): void {
  const { socket } = request.raw;
  let waiting = atClose.get(socket);
  if (!waiting) {
    const all = waiting = new Set();
    atClose.set(socket, all);
    socket.once('close', () => { for (const callback of [...all]) callback(); });
  }
  const over = (): void => {
    raw.off('close', over);
    if (waiting.delete(over)) done();
  };
  waiting.add(over);
  raw.once('close', over);
  if (raw.destroyed || socket.destroyed) over();
}

function isCompressed(request: FastifyRequest): boolean {
  const encoding = request.headers['content-encoding'];
  return encoding !== undefined && encoding !== 'identity';
}

/** What a request says its body takes; a compressed one says nothing of that, and eight times is what JSON shrinks as a rule. */
function declaredBytes(request: FastifyRequest, maxBodyBytes: number): number {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  if (length === undefined) return encoding === undefined ? 0 : maxBodyBytes;
  return Math.min(Number(length) * (isCompressed(request) ? 8 : 1), maxBodyBytes);
}

/** The same stream, which reserves more as it turns out longer than `known`, in steps that keep the number of them small. */
function measured(source: Readable, known: number, maxBodyBytes: number, take: (bytes: number) => void): Readable {
  let length = 0;
  let reserved = known;
  const measure = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      length += chunk.length;
      if (length <= reserved || reserved >= maxBodyBytes) return done(null, chunk);
      const step = Math.min(Math.max(length - reserved, reserved), maxBodyBytes - reserved);
      try {
        take(step);
      } catch (error) {
        return done(error as Error);
      }
      reserved += step;
      done(null, chunk);
    },
  });
  // Fastify compares this with Content-Length.
  Object.defineProperty(measure, 'receivedEncodedLength', { get: () => (source as { receivedEncodedLength?: number }).receivedEncodedLength });
  source.on('error', (error) => measure.destroy(error));
  measure.on('error', () => source.unpipe(measure));
  return source.pipe(measure);
}
