import { createHash, randomUUID } from 'node:crypto';
import type { Random } from '../contract/random.js';
import type { Answer, RequestOptions } from './server.js';

/** A statement as the load sends it. */
export interface SentStatement {
  id: string;
  [property: string]: unknown;
}

/** One write: all of it or nothing is to be found afterwards. */
export interface Batch {
  statements: SentStatement[];
  answered: boolean;
  /** Bytes that came with it, by their SHA-2. */
  attachments: Map<string, Buffer>;
}

/** What may be found under a document's address: the last answered content, or that of a write that was under way. */
export interface DocumentState {
  stateId: string;
  /** undefined: no document. */
  possible: (string | undefined)[];
}

/** What the load has sent and what it has been told. */
export interface Ledger {
  batches: Batch[];
  documents: Map<string, DocumentState>;
  /** Ids that answered (or, when false, unanswered) voiding statements name. */
  voids: Map<string, boolean>;
  /** Activities of late targets, and the ids of the two statements that are to be found by each when the target is there. */
  late: { activity: string; target: string; reference: string }[];
}

/** What takes the load: a server, or several. */
export interface LoadTarget {
  /** As that of `ServerProcess`; it throws when the request was not answered. */
  request(path: string, options?: RequestOptions): Promise<Answer>;
}

/** How the load differs from what it is for one server that is killed at its end. */
export interface LoadOptions {
  /** Most statements of a batch; 41 when left out. */
  largestBatch?: number;
  /** Most characters that fill a statement up; 2000 when left out. */
  filling?: number;
  /** Share of late targets that are sent at the same time as what refers to them; none when left out. */
  together?: number;
  /** Goes on when a request was not answered, until `stop`. */
  persistent?: boolean;
  /** Awaited before each write. */
  turn?(): Promise<void>;
}

/** An empty ledger. */
export function createLedger(): Ledger {
  return { batches: [], documents: new Map(), voids: new Map(), late: [] };
}

const agent = { objectType: 'Agent', account: { homePage: 'https://example.org', name: 'ann' } };
const voided = 'http://adlnet.gov/expapi/verbs/voided';

/** A statement whose content says where it belongs. */
function statement(random: Random, note: string, filling: number): SentStatement {
  return {
    id: randomUUID(), actor: agent, verb: { id: `https://example.org/verbs/${random.below(5)}`, display: { en: 'did' } },
    object: { id: `https://example.org/activities/${random.below(20)}` },
    result: { response: `${note} ${'x'.repeat(random.below(filling))}`, extensions: { 'https://example.org/n': random.below(1e9) / 7 } },
    timestamp: '2026-01-02T03:04:05.678Z',
  };
}

/** Documents' address in the query string. */
export function documentQuery(stateId: string): Record<string, unknown> {
  return { activityId: 'https://example.org/course', agent, stateId };
}

/** The kinds of writes under load, each told by the one that sends it. */
export function createLoad(server: LoadTarget, ledger: Ledger, random: Random, options: LoadOptions = {}) {
  const { largestBatch = 41, filling = 2000, together = 0, persistent = false, turn = async () => undefined } = options;
  let running = true;
  const failures: string[] = [];
  const sample = (note: string): SentStatement => statement(random, note, filling);

  /** Sends; undefined when the connection broke, which the killing makes it do. */
  async function send(...request: Parameters<LoadTarget['request']>): Promise<Answer | undefined> {
    const answer = await server.request(...request).catch(() => undefined);
    if (!answer) running = running && persistent;
    else if (answer.status >= 300) failures.push(`${request[1]?.method} ${request[0]}: ${answer.status} ${answer.text}`);
    return answer;
  }

  async function post(statements: SentStatement[], attachments = new Map<string, Buffer>()): Promise<boolean> {
    const batch: Batch = { statements, attachments, answered: false };
    ledger.batches.push(batch);
    const json = statements.length === 1 ? statements[0] : statements;
    const answer = attachments.size === 0
      ? await send('statements', { method: 'POST', body: json })
      : await send('statements', { method: 'POST', body: multipart(json, attachments), headers: { 'Content-Type': 'multipart/mixed; boundary=load' } });
    batch.answered = answer?.status === 200;
    return batch.answered;
  }

  async function put(): Promise<void> {
    const sent = sample('put');
    const batch: Batch = { statements: [sent], attachments: new Map(), answered: false };
    ledger.batches.push(batch);
    const answer = await send('statements', { method: 'PUT', query: { statementId: sent.id }, body: sent });
    batch.answered = answer?.status === 204;
  }

  async function attach(): Promise<void> {
    const bytes = Buffer.from(`${randomUUID()} ${'a'.repeat(random.below(50_000))}`);
    const sha2 = createHash('sha256').update(bytes).digest('hex');
    const attachment = { usageType: 'https://example.org/file', display: { en: 'file' }, contentType: 'text/plain', length: bytes.length, sha2 };
    await post([{ ...sample('attachment'), attachments: [attachment] }], new Map([[sha2, bytes]]));
  }

  async function voidOne(): Promise<void> {
    const target = sample('to be voided');
    if (!await post([target])) return;
    ledger.voids.set(target.id, false);
    const voiding = { ...sample('voiding'), verb: { id: voided }, object: { objectType: 'StatementRef', id: target.id } };
    if (await post([voiding])) ledger.voids.set(target.id, true);
  }

  async function lateTarget(): Promise<void> {
    const target = sample('late target');
    const activity = `https://example.org/late/${target.id}`;
    target.object = { id: activity };
    const reference = { ...sample('reference'), object: { objectType: 'StatementRef', id: target.id } };
    ledger.late.push({ activity, target: target.id, reference: reference.id });
    if (random.chance(together)) await Promise.all([post([reference]), post([target])]);
    else if (await post([reference])) await post([target]);
  }

  /** One worker alone writes each document, so that what is to be found is known. */
  async function document(worker: number): Promise<void> {
    const stateId = `${worker}-${random.below(5)}`;
    const state = ledger.documents.get(stateId) ?? { stateId, possible: [undefined] };
    ledger.documents.set(stateId, state);
    const content = random.chance(0.15) ? undefined : JSON.stringify({ n: random.below(1e9), text: 'y'.repeat(random.below(5000)) });
    state.possible.push(content);
    const answer = await send('activities/state', {
      method: content === undefined ? 'DELETE' : 'PUT', version: '1.0.3', query: documentQuery(stateId), ...(content !== undefined && { body: content, headers: { 'Content-Type': 'application/json' } }),
    });
    if (answer?.status === 204) state.possible = [content];
  }

  async function work(worker: number): Promise<void> {
    for (await turn(); running; await turn()) {
      const kind = random.below(10);
      if (kind < 2) await post([sample('single')]);
      else if (kind < 5) await post(Array.from({ length: 2 + random.below(largestBatch - 1) }, (_, at) => sample(`batch ${at}`)));
      else if (kind < 6) await put();
      else if (kind < 7) await attach();
      else if (kind < 8) await voidOne();
      else if (kind < 9) await lateTarget();
      else await document(worker);
    }
  }

  return {
    /** Answers that were refusals, of which there should be none. */
    failures,
    /** Runs until the connections break, or until `stop`. */
    run: (workers: number): Promise<void> => Promise.all(Array.from({ length: workers }, (_, worker) => work(worker))).then(() => undefined),
    stop: (): void => { running = false; },
  };
}

/** A multipart/mixed body with the boundary `load`. */
export function multipart(json: unknown, attachments: ReadonlyMap<string, Buffer>): Buffer {
  const parts: Buffer[] = [Buffer.from(`--load\r\nContent-Type: application/json\r\n\r\n${JSON.stringify(json)}`)];
  for (const [sha2, bytes] of attachments) {
    parts.push(Buffer.from(`\r\n--load\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\nX-Experience-API-Hash: ${sha2}\r\n\r\n`), bytes);
  }
  return Buffer.concat([...parts, Buffer.from('\r\n--load--\r\n')]);
}
