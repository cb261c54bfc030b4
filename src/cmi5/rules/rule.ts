import type { Activity, Actor, Context, Json, Statement } from '../../xapi/types.js';
import type { MoveOn } from '../course/structure.js';
import type { AuVerb, Breach, LaunchMode, RegistrationState, SessionState } from './state.js';

/** What was settled when a session was launched. */
export interface SessionContext {
  /** UUID in lower case. */
  registration: string;
  /** The sessionid extension. */
  sessionId: string;
  /** With an account. */
  learner: Actor;
  /** LMS activity id of the AU: `activityId` of the launch URL. */
  unit: string;
  /** The publisher's id of the AU. */
  publisherId: string;
  mode: LaunchMode;
  moveOn: MoveOn;
  masteryScore?: number;
  /** As LMS.LaunchData gives it (cmi5 10.2.1). */
  contextTemplate: Context;
  /** Whether the AU has asked for the learner preferences (cmi5 11.0). */
  preferencesRead: boolean;
}

/** A statement of an AU that is valid xAPI, and not stored yet under its id. */
export interface JudgedStatement {
  /** In lower case. */
  id: string;
  /** Whether the AU gave the id, in the statement or as statementId of a PUT; if not it is Quipu's. */
  hasOwnId: boolean;
  value: Statement;
  /** When it arrived, in milliseconds since the epoch. */
  at: number;
}

/** All that a rule looks at. */
export interface Judged {
  session: SessionContext;
  state: RegistrationState;
  /** Of `state`: the session that the statement belongs to, which is under way. */
  current: SessionState;
  statement: JudgedStatement;
  value: Statement;
  /** Whether it has the cmi5 category, which makes it cmi5 defined (cmi5 7.1.3). */
  defined: boolean;
  /** Of a cmi5 defined statement, when it is one of an AU. */
  verb?: AuVerb;
}

/** What a rule found. Properties given here go before those of the rule. */
export interface Found {
  message: string;
  pointer?: string;
  requirement?: string;
  section?: string;
  hint?: string;
  /** Where it is tolerated the statement has no effect on whether the AU counts as completed, passed or failed. */
  uncounted?: boolean;
}

/** One rule for the statements of an AU. */
export interface Rule extends Omit<Breach, 'message' | 'requirement'> {
  requirement?: string;
  /** @returns undefined when all is well, and when the rule is not about such a statement */
  check(judged: Judged): Found | undefined;
}

const longest = 200;

/** A value found in a statement, as a message shows it: JSON, cut where it is long. */
export function shown(value: Json | Activity | undefined): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}
