import { QuipuError } from '../../xapi/errors.js';
import { formatTimestamp } from '../../xapi/timestamps.js';
import type { LangString } from '../course/structure.js';
import { explain, unitMet, type NodeStatus } from '../rules/move-on.js';
import type { LaunchMode, SessionState, UnitState } from '../rules/state.js';
import type { Courses } from './course-facts.js';
import type { RegistrationWriter } from './registration-writer.js';

/** How far an AU is. */
export interface UnitStatus extends UnitState {
  index: number;
  /** The id that the LMS has given it. */
  node: string;
  publisherId: string;
  title: LangString[];
  moveOn: string;
  /** Whether its criterion is met, or it was waived. */
  satisfied: boolean;
}

/** The last session of a registration. Times are ISO 8601 in UTC. */
export interface SessionStatus {
  id: string;
  /** The id that the LMS has given the AU. */
  unit: string;
  mode: LaunchMode;
  launched: string;
  /** Whether the AU has said initialized. */
  initialized: boolean;
  /** When the AU last stored something. */
  last?: string;
  ended?: string;
  how?: 'terminated' | 'abandoned';
}

/** How far a registration is. */
export interface RegistrationStatus {
  registration: string;
  course: string;
  version: string;
  /** Whether the course is. */
  satisfied: boolean;
  units: UnitStatus[];
  session?: SessionStatus;
  /** With `explain`: the tree with, for each node, what is required, what holds and what decided. */
  explanation?: NodeStatus;
}

export interface StatusService {
  /** @throws QuipuError `not-found` */
  status(tenant: string, registration: string, options?: { explain?: boolean }): Promise<RegistrationStatus>;
}

export function createStatusService({ writer, courses }: { writer: Pick<RegistrationWriter, 'read'>; courses: Courses }): StatusService {
  return {
    status: async (tenant, id, { explain: explained = false } = {}) => {
      const registration = await writer.read(tenant, id);
      if (!registration) throw new QuipuError('not-found', `There is no registration ${id}.`);
      const { state, course, version } = registration;
      await courses.course(tenant, course);
      const { outline } = await courses.facts(tenant, version);
      const { session } = state;
      return {
        registration: registration.id, course, version, satisfied: Object.hasOwn(state.satisfied, outline.course.node),
        units: outline.units.map(({ index, node, publisherId, title, moveOn }) => {
          const unit = Object.hasOwn(state.units, node) ? state.units[node] : undefined;
          return { index, node, publisherId, title, moveOn, satisfied: unitMet(moveOn, unit), ...unit };
        }),
        ...(session && { session: sessionStatus(session) }),
        ...(explained && { explanation: explain(outline, state) }),
      };
    },
  };
}

function sessionStatus({ id, unit, mode, launched, said, last, terminated, abandoned }: SessionState): SessionStatus {
  const ended = terminated ?? abandoned;
  return {
    id, unit, mode, launched: formatTimestamp(launched), initialized: said.initialized !== undefined,
    ...(last === undefined ? {} : { last: formatTimestamp(last) }),
    ...(ended === undefined ? {} : { ended: formatTimestamp(ended), how: terminated === undefined ? 'abandoned' : 'terminated' }),
  };
}
