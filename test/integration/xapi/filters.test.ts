import t from 'tap';
import { startServer } from '../server.js';
import { ann, bob, course, did, listIds, post, refTo, sample, sha2, voiding, type Sample } from './samples.js';

const carl = { objectType: 'Agent', openid: 'https://carl.example.org/' };
const dora = { objectType: 'Agent', mbox_sha1sum: 'ebd31e95054c018b10727ccffd2ef2ec3a016ee9' };
const team = { objectType: 'Group', mbox: 'mailto:team@example.org', member: [carl] };
const nameless = { objectType: 'Group', member: [bob, dora] };
const lesson = { objectType: 'Activity', id: 'https://example.org/lesson' };
const passed = { id: 'https://example.org/verbs/passed' };
const registration = '7f3c1a5e-0d39-4c1e-9d4e-3f5a1b2c4d5e';
const other = '8a4d2b6f-1e4a-4d2f-8e5f-4a6b2c3d5e6f';

/** Statements by name. */
const stored: Record<string, Sample> = {
  annDidCourse: sample(),
  annPassedLesson: sample({ verb: passed, object: lesson, context: { registration } }),
  bobDidLesson: sample({ actor: bob, object: lesson, context: { registration: other } }),
  teamDid: sample({ actor: team, context: { registration: registration.toUpperCase() } }),
  namelessPassed: sample({ actor: nameless, verb: passed }),
  aboutAnn: sample({ actor: bob, object: { ...ann, name: 'Another name' } }),
  aboutTeam: sample({ actor: bob, object: team }),
  instructed: sample({ actor: dora, object: lesson, context: { instructor: ann } }),
  inTeam: sample({ actor: dora, context: { team } }),
  underCourse: sample({ actor: dora, object: lesson, context: { contextActivities: { parent: [course] } } }),
  grouped: sample({ actor: dora, object: lesson, context: { contextActivities: { grouping: [lesson, course] } } }),
  categorised: sample({ actor: dora, object: lesson, context: { contextActivities: { category: course } } }),
  otherwise: sample({ actor: dora, object: lesson, context: { contextActivities: { other: [course] } } }),
  nested: sample({
    actor: dora, verb: passed,
    object: { objectType: 'SubStatement', actor: ann, verb: did, object: course, context: { registration, instructor: carl, contextActivities: { parent: [lesson] } } },
  }),
  withContextAgent: sample({ actor: dora, object: lesson, context: { contextAgents: [{ objectType: 'contextAgent', agent: ann }] } }),
  withContextGroup: sample({ actor: dora, object: lesson, context: { contextGroups: [{ objectType: 'contextGroup', group: team }] } }),
  refersInContext: sample({ actor: dora, object: lesson, context: { statement: refTo({ id: other }) } }),
};
const names = new Map(Object.entries(stored).map(([name, { id }]) => [id, name]));

/** Filters and the statements that they find, in any order. */
const filters: [string, Record<string, unknown>, string[]][] = [
  ['agent by mbox: actor and object', { agent: ann }, ['annDidCourse', 'annPassedLesson', 'aboutAnn']],
  ['agent by mbox, its name not looked at', { agent: { ...ann, name: 'Somebody' } }, ['annDidCourse', 'annPassedLesson', 'aboutAnn']],
  ['agent by account, also as a member', { agent: bob }, ['bobDidLesson', 'aboutAnn', 'aboutTeam', 'namelessPassed']],
  ['agent by account of another home page', { agent: { account: { homePage: 'https://example.com', name: 'bob' } } }, []],
  ['agent by openid: a member of an Identified Group', { agent: carl }, ['teamDid', 'aboutTeam']],
  ['agent by mbox_sha1sum: a member of an Anonymous Group', { agent: dora }, ['namelessPassed', 'instructed', 'inTeam', 'underCourse', 'grouped', 'categorised', 'otherwise', 'nested', 'withContextAgent', 'withContextGroup', 'refersInContext']],
  ['an Identified Group', { agent: { objectType: 'Group', mbox: 'mailto:team@example.org' } }, ['teamDid', 'aboutTeam']],
  ['the domain of a mailbox in upper case', { agent: { mbox: 'mailto:ann@EXAMPLE.org' } }, ['annDidCourse', 'annPassedLesson', 'aboutAnn']],
  ['the mailbox in upper case is another one', { agent: { mbox: 'mailto:Ann@example.org' } }, []],
  ['verb', { verb: passed.id }, ['annPassedLesson', 'namelessPassed', 'nested']],
  ['verb, compared as it stands', { verb: 'https://example.org/verbs/Passed' }, []],
  ['activity: the object alone', { activity: course.id }, ['annDidCourse', 'teamDid', 'namelessPassed', 'inTeam']],
  ['activity that nobody has', { activity: 'https://example.org/none' }, []],
  ['registration, without regard to case', { registration }, ['annPassedLesson', 'teamDid']],
  ['registration in upper case', { registration: other.toUpperCase() }, ['bobDidLesson']],
  ['related activities: context and SubStatement too', { activity: course.id, related_activities: true }, ['annDidCourse', 'teamDid', 'namelessPassed', 'inTeam', 'underCourse', 'grouped', 'categorised', 'otherwise', 'nested']],
  ['related activities, off', { activity: course.id, related_activities: false }, ['annDidCourse', 'teamDid', 'namelessPassed', 'inTeam']],
  ['related activities: context of the SubStatement', { activity: lesson.id, related_activities: true }, ['annPassedLesson', 'bobDidLesson', 'instructed', 'underCourse', 'grouped', 'categorised', 'otherwise', 'nested', 'withContextAgent', 'withContextGroup', 'refersInContext']],
  ['related agents: instructor, SubStatement, context agents', { agent: ann, related_agents: true }, ['annDidCourse', 'annPassedLesson', 'aboutAnn', 'instructed', 'nested', 'withContextAgent']],
  ['related agents: team, context groups and their members', { agent: carl, related_agents: true }, ['teamDid', 'aboutTeam', 'inTeam', 'nested', 'withContextGroup']],
  ['related agents: the group itself', { agent: team, related_agents: true }, ['teamDid', 'aboutTeam', 'inTeam', 'withContextGroup']],
  ['related agents, off', { agent: carl, related_agents: false }, ['teamDid', 'aboutTeam']],
  ['agent and verb', { agent: ann, verb: passed.id }, ['annPassedLesson']],
  ['agent and activity', { agent: dora, activity: course.id }, ['namelessPassed', 'inTeam']],
  ['verb and registration', { verb: did.id, registration }, ['teamDid']],
  ['agent, verb, activity and registration', { agent: ann, verb: passed.id, activity: lesson.id, registration }, ['annPassedLesson']],
  ['agent, verb and another activity', { agent: ann, verb: passed.id, activity: course.id }, []],
  ['both related', { agent: ann, related_agents: true, activity: course.id, related_activities: true }, ['annDidCourse', 'nested']],
  ['related agent, plain activity', { agent: carl, related_agents: true, activity: lesson.id }, ['withContextGroup']],
  ['no filter', {}, Object.keys(stored)],
];

t.test('each filter, alone and with others, finds exactly its statements', async (t) => {
  const server = await startServer(t);
  await post(server, Object.values(stored));
  for (const [name, query, expected] of filters) {
    for (const ascending of [undefined, true]) {
      const found = (await listIds(server, { ...query, ascending })).map((id) => names.get(id));
      t.same(found.slice().sort(), expected.slice().sort(), `${name}${ascending ? ', ascending' : ''}`);
      const order = Object.keys(stored).filter((one) => expected.includes(one));
      t.same(found, ascending ? order : order.reverse(), `${name}: in the order of stored`);
    }
  }
});

t.test('the authority is a related agent, and what a client says of it is not looked at', async (t) => {
  const server = await startServer(t);
  const authority = { objectType: 'Agent', mbox: 'mailto:lrs-key@example.org' };
  const key = await server.makeKey(['all'], { authority });
  const statement = sample({ authority: carl });
  await post(server, statement, { key });
  t.same(await listIds(server, { agent: authority, related_agents: true }), [statement.id]);
  t.same(await listIds(server, { agent: authority }), []);
  t.same(await listIds(server, { agent: carl, related_agents: true }), []);
});

t.test('context agents and groups are looked at in 2.0 queries and 1.0.3 ones alike', async (t) => {
  const server = await startServer(t);
  await post(server, Object.values(stored));
  for (const version of ['1.0.3', '2.0.0']) {
    const found = await listIds(server, { agent: ann, related_agents: true }, { version });
    t.ok(found.includes(stored.withContextAgent!.id), version);
  }
});

t.test('StatementRefs match what their target matches, through chains, whichever comes first', async (t) => {
  const server = await startServer(t);
  const target = sample({ actor: carl, verb: passed, object: lesson, context: { registration, instructor: ann, contextActivities: { parent: [course] } } });
  const first = sample({ actor: bob, object: refTo(target) });
  const second = sample({ actor: bob, object: refTo(first) });
  const third = sample({ actor: bob, object: refTo(second) });
  const queries: Record<string, unknown>[] = [
    { agent: carl }, { verb: passed.id }, { activity: lesson.id }, { registration },
    { activity: course.id, related_activities: true }, { agent: ann, related_agents: true },
    { agent: carl, verb: passed.id, activity: lesson.id, registration },
  ];
  await post(server, third);
  await post(server, second);
  for (const query of queries) t.same(await listIds(server, query), [], `before the target: ${JSON.stringify(query)}`);
  await post(server, target);
  for (const query of queries) t.same(await listIds(server, query), [target.id], 'the chain has a gap');
  await post(server, first);
  for (const query of queries) {
    t.same(await listIds(server, query), [first.id, target.id, second.id, third.id], `whole: ${JSON.stringify(query)}`);
    t.same(await listIds(server, { ...query, ascending: true, limit: 2 }), [third.id, second.id]);
  }
  t.same(await listIds(server, { agent: ann }), [], 'what does not match the target');
  t.same(await listIds(server, { agent: bob, verb: passed.id }), [first.id, second.id, third.id], 'a filter may hold by the statement, another by its target');
});

t.test('a reference in the context matches nothing of its statement', async (t) => {
  const server = await startServer(t);
  const target = sample({ verb: passed });
  await post(server, [target, sample({ context: { statement: refTo(target) } })]);
  t.same(await listIds(server, { verb: passed.id }), [target.id]);
});

t.test('since and until apply to the referring statement itself', async (t) => {
  const server = await startServer(t);
  const target = sample({ verb: passed });
  await post(server, target);
  const { stored: between } = (await server.request('statements', { query: { statementId: target.id } })).json<{ stored: string }>();
  const referring = sample({ object: refTo(target) });
  await post(server, referring);
  t.same(await listIds(server, { verb: passed.id, since: between }), [referring.id]);
  t.same(await listIds(server, { verb: passed.id, until: between }), [target.id]);
});

t.test('references to a voided statement still match by what it says', async (t) => {
  const server = await startServer(t);
  const target = sample({ verb: passed });
  const referring = sample({ actor: bob, object: refTo(target) });
  const voids = voiding(target);
  await post(server, [target, referring]);
  await post(server, voids);
  t.same(await listIds(server, { verb: passed.id }), [voids.id, referring.id]);
  t.same(await listIds(server, { agent: ann, verb: passed.id }), [voids.id, referring.id]);
});

t.test('an mbox does not find its mbox_sha1sum: identifiers of another kind are another identity', async (t) => {
  const server = await startServer(t);
  const hashed = sample({ actor: { mbox_sha1sum: sha2(Buffer.from(ann.mbox), 'sha1') } });
  await post(server, hashed);
  t.same(await listIds(server, { agent: ann }), []);
  t.same(await listIds(server, { agent: hashed.actor }), [hashed.id]);
});
