import t from 'tap';
import { activityId, generateStatements, learnerAgent, platform, registrationOf, verbs } from '../../../bench/generator.js';
import { isActivity } from '../../../src/xapi/statement-objects.js';
import type { Json } from '../../../src/xapi/types.js';
import { validateStatement } from '../../../src/xapi/validation.js';

const many = [...generateStatements(7, 5000, platform)];

t.test('the same seed gives the same statements, another seed others', async (t) => {
  t.same([...generateStatements(7, 20, platform)], many.slice(0, 20));
  t.notSame([...generateStatements(8, 1, platform)][0], many[0]);
});

t.test('every statement is valid at both versions', async (t) => {
  for (const version of ['1.0.3', '2.0.0'] as const) {
    t.same(many.flatMap((statement) => validateStatement(statement as unknown as Json, version)?.message ?? []), [], version);
  }
});

t.test('ids are unique, and statements have about 1.2 KB', async (t) => {
  t.equal(new Set(many.map(({ id }) => id)).size, many.length);
  const average = many.reduce((sum, statement) => sum + Buffer.byteLength(JSON.stringify(statement)), 0) / many.length;
  t.ok(average > 1100 && average < 1300, `${Math.round(average)} bytes`);
});

t.test('the mix is that of a course platform', async (t) => {
  const share = (names: (keyof typeof verbs)[]): number => many.filter(({ verb }) => names.some((name) => verbs[name] === verb.id)).length / many.length;
  t.ok(Math.abs(share(['viewed', 'initialized', 'terminated']) - 0.42) < 0.03, 'navigation');
  t.ok(Math.abs(share(['played', 'paused', 'seeked']) - 0.25) < 0.03, 'films');
  t.ok(Math.abs(share(['answered']) - 0.21) < 0.03, 'exercises');
  t.ok(Math.abs(share(['passed', 'failed', 'progressed']) - 0.07) < 0.02, 'grades');
});

t.test('few learners and activities are busy, many are rare', async (t) => {
  const counts = (values: string[]): number[] => {
    const count = new Map<string, number>();
    for (const value of values) count.set(value, (count.get(value) ?? 0) + 1);
    return [...count.values()].sort((a, b) => b - a);
  };
  const learners = counts(many.map(({ actor }) => actor.account!.name));
  t.ok(learners[0]! > 100 && learners.length > 1000, `${learners.length} learners, the busiest with ${learners[0]} statements`);
  const activities = counts(many.flatMap(({ object }) => (isActivity(object) ? object.id : [])));
  t.ok(activities[0]! > 15 * activities[activities.length >> 1]!, `the busiest activity with ${activities[0]} statements`);
});

t.test('what is asked for is there: a learner, an activity, a registration', async (t) => {
  t.ok(many.some(({ actor }) => actor.account!.name === learnerAgent(3).account.name));
  t.ok(many.some(({ object, verb }) => isActivity(object) && object.id === activityId(3, 2) && verb.id === verbs.answered));
  t.ok(many.some(({ context }) => context?.registration === registrationOf(3, 3)));
});

t.test('an activity has one definition, whoever it is named by', async (t) => {
  const definitions = new Map<string, string>();
  for (const { object } of many) {
    if (!isActivity(object)) continue;
    const definition = JSON.stringify(object.definition);
    if (definition !== (definitions.get(object.id) ?? definition)) t.fail(object.id);
    definitions.set(object.id, definition);
  }
});

t.test('a small population is enough', async (t) => {
  t.equal([...generateStatements(1, 200, { learners: 1, courses: 1, activitiesPerCourse: 3 })].length, 200);
});
