import type { StatementStore } from '../../statements/store.js';
import { QuipuError } from '../../xapi/errors.js';
import type { Statement } from '../../xapi/types.js';
import { unitOf } from '../packages/records.js';
import { sessionIdOf, waivedStatement } from '../rules/lms-statements.js';
import { satisfactionOf } from '../rules/satisfaction.js';
import { REASON_EXTENSION } from '../rules/vocabulary.js';
import type { Courses } from './course-facts.js';
import { factsOf, statementUnit } from './lms-facts.js';
import type { RegistrationWriter } from './registration-writer.js';

/** A waiver that holds. */
export interface Waiver {
  registration: string;
  /** Index of the AU. */
  unit: number;
  /** Id of the statement. */
  statement: string;
  /** Whether it was there already. */
  repeated: boolean;
}

export interface WaiveService {
  /**
   * Says that the requirements of an AU are met by other means (cmi5 9.3.7), once for each AU of a registration; the same again with the
   * same reason answers the same.
   * @param named index, LMS id or publisher's id of the AU
   * @param reason such as `Tested Out`, `Equivalent AU`, `Equivalent Outside Activity`, `Administrative` (cmi5 9.5.5.2)
   * @throws QuipuError `not-found`; `record-conflict` when it was waived for another reason; `invalid-request`
   */
  waive(tenant: string, registration: string, named: number | string, reason: string): Promise<Waiver>;
}

export interface WaiveServiceDeps {
  writer: RegistrationWriter;
  courses: Courses;
  statements: Pick<StatementStore, 'get'>;
}

const LONGEST_REASON = 1000;

export function createWaiveService({ writer, courses, statements }: WaiveServiceDeps): WaiveService {
  /** Why an AU was waived; undefined where the statement is gone, or is a preview's and never was stored. */
  async function reasonOf(tenant: string, id: string): Promise<unknown> {
    const stored = await statements.get(tenant, id);
    const { result } = stored ? JSON.parse(stored.text.toString('utf8')) as Statement : {};
    return (result?.extensions as Record<string, unknown> | undefined)?.[REASON_EXTENSION];
  }

  return {
    waive: async (tenant, id, named, reason) => {
      if (reason.trim() === '' || reason.length > LONGEST_REASON || /\p{Surrogate}/u.test(reason)) {
        throw new QuipuError('invalid-request', 'A waiver has a reason.', { pointer: '/reason', rule: 'waive-reason', section: 'cmi5 9.5.5.2', expected: `a text of 1 to ${LONGEST_REASON} characters, such as Tested Out, Equivalent AU, Equivalent Outside Activity or Administrative` });
      }
      const changed = await writer.change(tenant, id, async (registration) => {
        await courses.course(tenant, registration.course);
        const facts = await courses.facts(tenant, registration.version);
        const placed = unitOf(facts.version, named);
        if (!placed) throw new QuipuError('not-found', `The registration's version of the course has no AU ${JSON.stringify(named).slice(0, 200)}.`);
        const { state } = registration;
        const { node, unit: { index } } = placed;
        const before = Object.hasOwn(state.units, node) ? state.units[node]! : {};
        if (before.waived !== undefined) return { statements: [], state, answer: { unit: index, statement: before.waived, repeated: true } };
        const lms = factsOf(tenant, registration, sessionIdOf({ tenant, registration: id, created: registration.created }, `waived ${node}`), Date.now());
        const waived = waivedStatement(lms, statementUnit(facts, index), reason);
        const follows = satisfactionOf(facts.outline, { ...state, units: { ...state.units, [node]: { ...before, waived: waived.id! } } }, lms);
        return { statements: [waived, ...follows.statements].map((statement) => ({ lms: statement })), state: follows.state, answer: { unit: index, statement: waived.id!, repeated: false } };
      });
      if (changed.status === 'conflict') throw new Error(`The statement of a waiver of the registration ${id} is stored with other content`);
      const { answer, registration } = changed;
      if (answer.repeated && !registration.preview && await reasonOf(tenant, answer.statement) !== reason) {
        throw new QuipuError('record-conflict', `The AU is waived in this registration already, for another reason, by the statement ${answer.statement}.`, { rule: 'waived-once', section: 'cmi5 9.3.7' });
      }
      return { registration: id, ...answer };
    },
  };
}
