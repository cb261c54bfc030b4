import type { Feed } from '../../feed/service.js';
import type { Position } from '../../statements/store.js';
import { onOneLine } from '../../xapi/one-line.js';
import type { StatementKey } from '../../xapi/statement-keys.js';
import type { Statement } from '../../xapi/types.js';
import { auVerbIds, lmsVerbIds } from '../rules/vocabulary.js';
import type { Finding, Findings } from './findings.js';
import { timeOrderedId, type Session, type Sessions } from './sessions.js';

/** Milliseconds between two looks at what is in no feed: refusals, findings, launches. */
const PAUSE = 1000;
/** Milliseconds by which clocks of processes may differ that give ids by time. */
const SKEW = 10_000;
const HEARTBEAT = 15_000;
const SLICE = 200;

/** What a listener hears of. */
export interface SessionListener {
  tenant: string;
  /** Of one session alone. */
  session?: string;
  signal: AbortSignal;
}

export interface SessionEventsDeps {
  feed: Feed;
  sessions: Sessions;
  findings: Findings;
  /** What every statement of a session and of the LMS is found by. */
  filters: StatementKey[][];
  /** The sessionid extension. */
  sessionIdExtension: string;
}

/**
 * What happens in the sessions of a tenant, as server-sent events, from now on: `statement` as each is stored, whichever process stored
 * it; within a second or two `session` when one was launched, has begun or has ended, `refusal` and `finding`, and of previews
 * `preview-statement`. A listener that is slow makes nothing but itself wait.
 */
export async function* sessionEvents({ feed, sessions, findings, filters, sessionIdExtension }: SessionEventsDeps, { tenant, session: only, signal }: SessionListener): AsyncGenerator<string> {
  let position: Position = await feed.head(tenant);
  const news = createNews(tenant, sessions, findings);
  await news.look();
  let said = Date.now();
  yield `retry: 2000\n\n`;

  /** A statement as an event; undefined when it is of another session than the one listened to. */
  function eventOf(name: string, text: string, id: unknown, verb: string): string | undefined {
    if (typeof id === 'string' && turningPoints.has(verb)) news.lookAt(id);
    return only === undefined || id === only ? `event: ${name}\ndata: ${text}\n\n` : undefined;
  }

  const watch = feed.watch(tenant);
  try {
    while (!signal.aborted) {
      watch.begin();
      let events = '';
      const entries = await feed.read(tenant, position, SLICE);
      for (const entry of entries) {
        position = entry.position;
        if (entry.kind !== 'statement' || !feed.matches(entry, filters)) continue;
        const text = onOneLine(entry.text).toString('utf8');
        const { context, verb } = JSON.parse(text) as Statement;
        events += eventOf('statement', text, context?.extensions?.[sessionIdExtension], verb.id) ?? '';
      }
      for (const item of await news.look()) {
        const text = JSON.stringify('session' in item ? shownSession(item.session) : item.finding);
        if ('session' in item) events += only === undefined || item.session.id === only ? `event: session\ndata: ${text}\n\n` : '';
        else if (item.finding.kind !== 'statement') events += eventOf(item.finding.kind, text, item.finding.session, '') ?? '';
        else events += eventOf('preview-statement', text, item.finding.session, verbOf(item.finding.request)) ?? '';
      }
      if (events === '' && Date.now() - said >= HEARTBEAT) events = ': still here\n\n';
      if (events !== '') {
        said = Date.now();
        yield events;
      }
      if (entries.length === 0) await watch.wait(PAUSE, signal);
    }
  } finally {
    watch.close();
  }
}

/** Verbs after which a session is another than before. */
const turningPoints: ReadonlySet<string> = new Set([auVerbIds.initialized, auVerbIds.terminated, lmsVerbIds.abandoned]);

type NewsItem = { session: Session } | { finding: Finding };

interface News {
  /** What is new since the last look; nothing when that was a moment ago. */
  look(): Promise<NewsItem[]>;
  /** Has a session looked at next time: what is told of it is written after the statement. */
  lookAt(session: string): void;
}

/** Notices what was recorded, by ids that sort by time; those of other processes may come a little late. */
function createNews(tenant: string, sessions: Sessions, findings: Findings): News {
  const newSessions = createNewest((after) => sessions.list({ property: 'activeIn', equals: tenant }, after, SLICE));
  const newFindings = createNewest((after) => findings.list(tenant, undefined, after, SLICE));
  let changed = new Set<string>();
  let looked = -Infinity;
  return {
    lookAt: (session) => {
      changed.add(session);
    },
    look: async () => {
      if (performance.now() - looked < PAUSE) return [];
      looked = performance.now();
      const due = changed;
      changed = new Set();
      const launched = await newSessions();
      const again = await Promise.all([...due].filter((id) => !launched.some((one) => one.id === id)).map((id) => sessions.find(id)));
      const found = await newFindings();
      return [...[...launched, ...again].filter((session) => session?.tenant === tenant).map((session) => ({ session: session! })), ...found.map((finding) => ({ finding }))];
    },
  };
}

/** Gives the records that were made since it was last called; at the first time none. */
function createNewest<T extends { id: string }>(list: (after: string) => Promise<T[]>): () => Promise<T[]> {
  let seen: ReadonlySet<string> | undefined;
  return async () => {
    const recent: T[] = [];
    for (let after = timeOrderedId(Date.now() - SKEW).slice(0, 14); ;) {
      const page = await list(after);
      recent.push(...page);
      if (page.length < SLICE) break;
      after = page.at(-1)!.id;
    }
    const before = seen;
    seen = new Set(recent.map(({ id }) => id));
    return before ? recent.filter(({ id }) => !before.has(id)) : [];
  };
}

/** The verb of a statement that may be cut. */
function verbOf(request: string): string {
  return /"verb"\s*:\s*\{[^{}]*?"id"\s*:\s*"([^"]*)"/.exec(request)?.[1] ?? '';
}

/** A session as it is answered: without the hashes of its secrets. */
export function shownSession({ fetchHash: _fetch, tokenHash: _token, activeIn, tenant: _tenant, ...session }: Session): object {
  return { ...session, active: activeIn !== undefined };
}
