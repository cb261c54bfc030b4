import type { Feed } from '../../feed/service.js';
import type { Position } from '../../statements/store.js';
import { onOneLine } from '../../xapi/one-line.js';
import type { StatementKey } from '../../xapi/statement-keys.js';
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
 * it, `refusal` and `finding`, and of previews `preview-statement`, within a second; `session` when one is launched or ends. A listener
 * that is slow makes nothing but itself wait.
 */
export async function* sessionEvents({ feed, sessions, findings, filters, sessionIdExtension }: SessionEventsDeps, { tenant, session, signal }: SessionListener): AsyncGenerator<string> {
  let position: Position = await feed.head(tenant);
  const news = createNews(tenant, { sessions, findings });
  await news.look();
  let said = Date.now();
  yield `retry: 2000\n\n`;
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
        if (session === undefined || sessionOf(text, sessionIdExtension) === session) events += `event: statement\ndata: ${text}\n\n`;
      }
      for (const { name, of, data } of await news.look()) if (session === undefined || of === session) events += `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
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

interface News {
  name: 'session' | 'refusal' | 'finding' | 'preview-statement';
  /** Id of the session. */
  of: string;
  data: object;
}

/** Notices what was recorded since it last looked, by ids that sort by time; those of other processes may come a little late. */
function createNews(tenant: string, { sessions, findings }: Pick<SessionEventsDeps, 'sessions' | 'findings'>): { look(): Promise<News[]> } {
  let seen: ReadonlySet<string> | undefined;
  let open: ReadonlyMap<string, string> | undefined;
  let looked = 0;

  async function newFindings(): Promise<Finding[]> {
    const recent: Finding[] = [];
    for (let after = timeOrderedId(Date.now() - SKEW).slice(0, 14); ;) {
      const page = await findings.list(tenant, undefined, after, SLICE);
      recent.push(...page);
      if (page.length < SLICE) break;
      after = page.at(-1)!.id;
    }
    const before = seen;
    seen = new Set(recent.map(({ id }) => id));
    return before ? recent.filter(({ id }) => !before.has(id)) : [];
  }

  async function changedSessions(): Promise<Session[]> {
    const now = new Map((await allOpen()).map((session) => [session.id, session]));
    const before = open;
    open = new Map([...now].map(([id, { fetched }]) => [id, fetched ?? '']));
    if (!before) return [];
    const changed = [...now.values()].filter(({ id, fetched }) => before.get(id) !== (fetched ?? ''));
    const gone = await Promise.all([...before.keys()].filter((id) => !now.has(id)).map((id) => sessions.find(id)));
    return [...changed, ...gone.filter((session) => session !== undefined)];
  }

  async function allOpen(): Promise<Session[]> {
    const all: Session[] = [];
    for (let after: string | undefined; ;) {
      const page = await sessions.list({ property: 'activeIn', equals: tenant }, after, SLICE);
      all.push(...page);
      if (page.length < SLICE) return all;
      after = page.at(-1)!.id;
    }
  }

  return {
    look: async () => {
      if (Date.now() - looked < PAUSE) return [];
      looked = Date.now();
      const changed = (await changedSessions()).map((session): News => ({ name: 'session', of: session.id, data: shownSession(session) }));
      const found = (await newFindings()).map((finding): News => ({ name: finding.kind === 'statement' ? 'preview-statement' : finding.kind, of: finding.session, data: finding }));
      return [...changed, ...found];
    },
  };
}

/** A session as it is answered: without the hashes of its secrets. */
export function shownSession({ fetchHash: _fetch, tokenHash: _token, activeIn, tenant: _tenant, ...session }: Session): object {
  return { ...session, active: activeIn !== undefined };
}

function sessionOf(text: string, extension: string): unknown {
  return (JSON.parse(text) as { context?: { extensions?: Record<string, unknown> } }).context?.extensions?.[extension];
}
