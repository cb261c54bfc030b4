import type { Statement } from '../../xapi/types.js';
import type { CourseOutline } from './course-outline.js';
import { satisfiedStatement, type LmsFacts } from './lms-statements.js';
import { newlySatisfied } from './move-on.js';
import type { RegistrationState } from './state.js';

/**
 * What follows from a registration's state: a "satisfied" statement of each block, and of the course, whose AUs all meet their criteria
 * and of which none is written yet (cmi5 9.3.9). To be written in the append that brought the state about, after its other statements.
 * @param facts with the session that brought it about, or an id of its own outside of a session
 * @returns `state` itself when nothing follows
 */
export function satisfactionOf(outline: CourseOutline, state: RegistrationState, facts: LmsFacts): { statements: Statement[]; state: RegistrationState } {
  const groups = newlySatisfied(outline, state);
  if (groups.length === 0) return { statements: [], state };
  const statements = groups.map((group) => satisfiedStatement(facts, group));
  const said = groups.map(({ node }, index) => [node, statements[index]!.id!] as const);
  return { statements, state: { ...state, satisfied: { ...state.satisfied, ...Object.fromEntries(said) } } };
}
