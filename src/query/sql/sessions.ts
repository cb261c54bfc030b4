import { SqlFailure } from './failure.js';

/** Settings that a client keeps for a while, by the `session_id` it chose. */
export interface Session {
  settings: Record<string, string>;
}

export interface Sessions {
  /**
   * @param owner tenant and key; sessions of others are not found
   * @param seconds until it is forgotten unless it is used again
   * @param mustExist as `session_check=1` asks
   * @throws SqlFailure SESSION_NOT_FOUND
   */
  open(owner: string, id: string, seconds: number, mustExist: boolean): Session;
}

const most = 10_000;

/** Sessions of this process. The oldest goes when there are too many. */
export function createSessions(now: () => number = Date.now): Sessions {
  const sessions = new Map<string, Session & { until: number }>();
  return {
    open(owner, id, seconds, mustExist) {
      const key = JSON.stringify([owner, id]);
      let session = sessions.get(key);
      if (session && session.until < now()) session = undefined;
      if (!session && mustExist) throw new SqlFailure('SESSION_NOT_FOUND', `Session ${id} not found`);
      session ??= { settings: {}, until: 0 };
      session.until = now() + seconds * 1000;
      sessions.delete(key);
      sessions.set(key, session);
      if (sessions.size > most) sessions.delete(sessions.keys().next().value!);
      return session;
    },
  };
}
