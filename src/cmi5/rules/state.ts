/**
 * What a registration has come to, as cmi5 judges it. Plain data, stored as JSON in the registration's record. AUs are named by the
 * id that the LMS has given them (`unit`), and so are blocks and the course (`node`).
 */

export const launchModes = ['Normal', 'Browse', 'Review'] as const;
/** cmi5 10.2.2. */
export type LaunchMode = (typeof launchModes)[number];

/** Ids of the statements that decided something about an AU in a registration. */
export interface UnitState {
  completed?: string;
  passed?: string;
  /** The last one. */
  failed?: string;
  waived?: string;
  /** Score (scaled) of the statement that decided `passed`, or of the last `failed`. */
  score?: number;
}

/** Verbs that cmi5 defines for an AU (9.3). */
export type AuVerb = 'initialized' | 'completed' | 'passed' | 'failed' | 'terminated';

/** The session of a registration that is under way, or was the last. Times are milliseconds since the epoch by the server's clock. */
export interface SessionState {
  /** UUID: the sessionid extension. */
  id: string;
  unit: string;
  mode: LaunchMode;
  launched: number;
  /** The session before it, where this one began because the AU's page was loaded again. */
  follows?: string;
  /** Id of each cmi5-defined statement of this session, by verb. */
  said: Partial<Record<AuVerb, string>>;
  /** When the last of the AU's statements was stored. */
  last?: number;
  terminated?: number;
  abandoned?: number;
}

export interface RegistrationState {
  /** AUs of which something was said. */
  units: Record<string, UnitState>;
  /** Blocks and the course (by node id) that are satisfied, with the id of the statement that says so. */
  satisfied: Record<string, string>;
  session?: SessionState;
}

/** A rule that a statement breaks. */
export interface Breach {
  /** kebab-case name of the rule. */
  rule: string;
  /** Requirement id of the specification, such as `9.5.1.0-2`, where there is one. */
  requirement?: string;
  /** Such as `cmi5 9.5.1`. */
  section: string;
  /** What is wrong, with the value. */
  message: string;
  /** How to mend the content. */
  hint: string;
  /** RFC 6901 pointer into the statement; '' is the whole. */
  pointer: string;
  /** Status of the answer when it is refused. */
  status: 400 | 401 | 403;
  /** Whether `compat` takes the statement in all the same and records a finding. Never for what decides who writes, or into what. */
  tolerable: boolean;
  /** Content that does nothing wrong runs into it, and nothing is lost by the refusal: no reason for an alarm. */
  expected?: boolean;
}
