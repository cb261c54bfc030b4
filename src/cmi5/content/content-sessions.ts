/** What the content server has to know of a session. */
export interface ContentSession {
  /** When it ended, in milliseconds since the epoch; undefined while it is open. */
  ended?: number;
  /** Whether its token was fetched: then its launch URL can't be used again. */
  fetched: boolean;
  /** The entry of the package that the AU's URL names (`resolveEntry`). */
  startPath: string;
  /** Whether the AU asks for a window of its own (cmi5 13.1.4, launchMethod). */
  ownWindow: boolean;
  /** Where the learner goes from here. */
  returnURL?: string;
  /** Whether a launch URL with this `fetch` parameter is that of the session. */
  isLaunch(fetch: string): boolean;
}

/** Finds sessions; `undefined` when there is none, or its registration is gone. */
export type FindSession = (tenant: string, session: string) => Promise<ContentSession | undefined>;

/** Milliseconds for which what a session was is believed: it may be changed by another process. */
const TRUST = 2000;
/** Milliseconds for which files are served after the end, because a page may still load what it shows at its end. */
const AFTERMATH = 600_000;
/** Sessions remembered at the most, twice. */
const HALF = 5000;

/** Finds sessions, and remembers them for a moment: a page of content asks for a hundred files at once. */
export function rememberSessions(find: FindSession): FindSession {
  type Entry = { session: Promise<ContentSession | undefined>; until: number };
  let young = new Map<string, Entry>();
  let old = new Map<string, Entry>();
  return (tenant, id) => {
    const key = `${tenant}/${id}`;
    const now = performance.now();
    const known = young.get(key) ?? old.get(key);
    if (known && now < known.until) return known.session;
    if (young.size >= HALF) [old, young] = [young, new Map()];
    const session = find(tenant, id);
    young.set(key, { session, until: now + TRUST });
    session.catch(() => young.delete(key));
    return session;
  };
}

/** Whether files are served for it: while it is open, and for ten minutes after. */
export function isServed(session: ContentSession): boolean {
  return session.ended === undefined || Date.now() - session.ended < AFTERMATH;
}
