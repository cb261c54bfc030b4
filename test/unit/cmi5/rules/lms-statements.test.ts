import t from 'tap';
import { judgeStatement } from '../../../../src/cmi5/rules/judge-statement.js';
import { abandonedStatement, contextTemplateOf, launchedStatement, satisfiedStatement, sessionIdOf, waivedStatement, type LmsFacts } from '../../../../src/cmi5/rules/lms-statements.js';
import { satisfactionOf } from '../../../../src/cmi5/rules/satisfaction.js';
import { uuid5 } from '../../../../src/cmi5/rules/uuid5.js';
import { isDuration } from '../../../../src/xapi/durations.js';
import type { Json, Statement } from '../../../../src/xapi/types.js';
import { validateStatement } from '../../../../src/xapi/validation.js';
import { judged, sessionContext, stateOf } from './au-statements.js';
import { outlineFor } from './courses.js';

const facts: LmsFacts = {
  tenant: 'default', learner: { objectType: 'Agent', name: 'Ann', account: { homePage: 'https://lms.example', name: 'ann' } },
  registration: '0e6a2f04-4f4c-4a44-a1d5-3b0f8ad4c001', created: '2026-01-01T00:00:00.000Z', sessionId: 'a1a1a1a1-1111-4111-8111-111111111111', at: Date.UTC(2026, 1, 3, 4, 5, 6, 789),
};
const unit = { node: 'https://lrs.example/cmi5/activities/u1', publisherId: 'urn:course:au1', title: [{ lang: 'en', text: 'One' }, { text: 'Eins' }, { lang: 'not a tag!', text: 'zwei' }], activityType: 'http://adlnet.gov/expapi/activities/lesson' };
const launch = { mode: 'Normal', moveOn: 'Passed', masteryScore: 0, launchParameters: '', launchUrl: 'https://content.example/c/x/index.html?a=1' } as const;
const outline = outlineFor([['NotApplicable']]);
const all: Record<string, Statement> = {
  launched: launchedStatement(facts, unit, launch),
  abandoned: abandonedStatement(facts, unit, 61_250),
  waived: waivedStatement(facts, unit, 'Tested Out'),
  block: satisfiedStatement(facts, outline.groups[0]!),
  course: satisfiedStatement(facts, outline.course),
};
const category = (id: string): string => `https://w3id.org/xapi/cmi5/context/categories/${id}`;
const extension = (id: string): string => `https://w3id.org/xapi/cmi5/context/extensions/${id}`;

void t.test('each is valid xAPI of both versions and has what cmi5 asks of every one', (t) => {
  for (const [name, statement] of Object.entries(all)) {
    for (const version of ['1.0.3', '2.0.0'] as const) t.equal(validateStatement(statement as unknown as Json, version, 0)?.message, undefined, `${name} ${version}`);
    t.match(statement, {
      id: /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      timestamp: '2026-02-03T04:05:06.789Z',
      context: { registration: facts.registration, extensions: { [extension('sessionid')]: facts.sessionId } },
    });
    t.strictSame(statement.actor, { objectType: 'Agent', account: facts.learner.account }, 'no name of the learner');
    t.ok(statement.context!.contextActivities!.category!.some(({ id }) => id === category('cmi5')));
    t.equal(statement.context!.contextActivities!.category!.some(({ id }) => id === category('moveon')), name === 'waived');
  }
  t.equal(new Set(Object.values(all).map(({ id }) => id)).size, 5);
  t.end();
});

void t.test('what is special of each', (t) => {
  t.strictSame(all.launched!.context!.extensions, {
    [extension('sessionid')]: facts.sessionId, [extension('masteryscore')]: 0, [extension('launchmode')]: 'Normal',
    [extension('launchurl')]: launch.launchUrl, [extension('moveon')]: 'Passed', [extension('launchparameters')]: '',
  });
  const plain = launchedStatement(facts, unit, { mode: 'Browse', moveOn: 'NotApplicable', launchUrl: 'https://content.example/' });
  t.strictSame(Object.keys(plain.context!.extensions!).sort(), ['launchmode', 'launchurl', 'moveon', 'sessionid'].map(extension), 'nothing that the structure does not have');
  t.equal(all.launched!.verb.id, 'http://adlnet.gov/expapi/verbs/launched');
  t.strictSame(all.launched!.object, { objectType: 'Activity', id: unit.node, definition: { name: { en: 'One', und: 'Eins' }, type: unit.activityType } });
  t.same(all.launched!.context!.contextActivities!.grouping, [{ id: 'urn:course:au1' }]);
  t.equal(all.abandoned!.verb.id, 'https://w3id.org/xapi/adl/verbs/abandoned');
  t.strictSame(all.abandoned!.result, { duration: 'PT61.25S' });
  for (const ms of [0, 1, 999, 1000, 14_400_000, -5]) t.ok(isDuration(abandonedStatement(facts, unit, ms).result!.duration as string), String(ms));
  t.equal(all.waived!.verb.id, 'https://w3id.org/xapi/adl/verbs/waived');
  t.strictSame(all.waived!.result, { success: true, completion: true, extensions: { 'https://w3id.org/xapi/cmi5/result/extensions/reason': 'Tested Out' } });
  for (const name of ['block', 'course']) {
    t.equal(all[name]!.verb.id, 'https://w3id.org/xapi/adl/verbs/satisfied');
    t.match(all[name]!.object, { definition: { type: `https://w3id.org/xapi/cmi5/activitytype/${name}` } });
    t.equal(all[name]!.result, undefined);
  }
  t.same(all.block!.context!.contextActivities!.grouping, [{ id: 'urn:block:0' }]);
  t.same(all.course!.context!.contextActivities!.grouping, [{ id: 'urn:course' }]);
  t.end();
});

void t.test('ids are the same again, and others for anything else', (t) => {
  t.equal(waivedStatement({ ...facts, at: 1, sessionId: 'other' }, unit, 'Administrative').id, all.waived!.id, 'one waiver an AU and registration');
  t.equal(satisfiedStatement({ ...facts, at: 1, sessionId: 'other' }, outline.course).id, all.course!.id, 'one satisfied a node and registration');
  t.not(launchedStatement({ ...facts, sessionId: 'other' }, unit, launch).id, all.launched!.id, 'a launch each session');
  for (const changes of [{ tenant: 'other' }, { registration: 'ccaf384c-f8d4-4e7a-8304-49af58f0b176' }, { created: '2026-01-02T00:00:00.000Z' }]) t.not(waivedStatement({ ...facts, ...changes }, unit, 'x').id, all.waived!.id);
  t.not(waivedStatement(facts, { ...unit, node: 'https://lrs.example/other' }, 'x').id, all.waived!.id);
  t.not(uuid5('a', 'bc'), uuid5('ab', 'c'));
  t.not(sessionIdOf(facts, 'a'), sessionIdOf(facts, 'b'));
  t.end();
});

void t.test('an AU may not write them: each breaks the rule of the verbs of the LMS', (t) => {
  const session = sessionContext();
  for (const [name, statement] of Object.entries(all)) {
    const { breaches } = judgeStatement(session, stateOf(session), judged(statement));
    t.ok(breaches.some(({ rule, tolerable }) => rule === 'verb-of-lms' && !tolerable), name);
  }
  t.end();
});

void t.test('the context template of a launch is what its rules look for', (t) => {
  t.strictSame(contextTemplateOf('s', 'urn:au'), { contextActivities: { grouping: [{ id: 'urn:au' }] }, extensions: { [extension('sessionid')]: 's' } });
  t.end();
});

void t.test('what follows from a state, once', (t) => {
  const before = { units: {}, satisfied: {} };
  const { statements, state } = satisfactionOf(outline, before, facts);
  t.same(statements.map(({ object }) => (object as { id: string }).id), ['https://lrs.example/block0', 'https://lrs.example/course']);
  t.same(state.satisfied, { 'https://lrs.example/block0': statements[0]!.id, 'https://lrs.example/course': statements[1]!.id });
  t.same(before, { units: {}, satisfied: {} });
  const again = satisfactionOf(outline, state, facts);
  t.same(again.statements, []);
  t.equal(again.state, state);
  t.end();
});
