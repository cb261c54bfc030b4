import type { LmsFacts, StatementUnit } from '../rules/lms-statements.js';
import type { CourseFacts } from './course-facts.js';
import type { Registration } from './registration-writer.js';

/** What the LMS's statements of a registration have in common. */
export function factsOf(tenant: string, { id, learner, created }: Registration, sessionId: string, at: number): LmsFacts {
  return { tenant, learner, registration: id, created, sessionId, at };
}

/** An AU of a version as the object of a statement. */
export function statementUnit({ units, version }: CourseFacts, index: number): StatementUnit {
  const { publisherId, title, activityType } = units[index]!;
  return { node: version.nodes[index]!, publisherId, title, ...(activityType === undefined ? {} : { activityType }) };
}
