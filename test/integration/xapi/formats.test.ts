import t from 'tap';
import { startServer } from '../server.js';
import { ann, bob, list, post, sample, type Sample } from './samples.js';

const activity = {
  id: 'https://example.org/quiz',
  definition: { name: { en: 'Quiz', de: 'Quiz auf Deutsch', fr: 'Interro' }, description: { fr: 'seulement' }, interactionType: 'choice', choices: [{ id: 'a', description: { en: 'A', de: 'Ä' } }] },
};
const verb = { id: 'https://example.org/verbs/answered', display: { en: 'answered', de: 'beantwortete' } };
const full = sample({
  actor: { ...ann, name: 'Ann' }, verb, object: { objectType: 'Activity', ...activity },
  context: { instructor: { objectType: 'Group', name: 'Anonymous', member: [{ ...bob, name: 'Bob' }] }, contextActivities: { parent: [{ id: 'https://example.org/course', definition: { name: { en: 'Course' } } }] }, platform: 'x' },
  result: { success: true },
});

t.test('ids holds what identifies and no more, everywhere in the statement', async (t) => {
  const server = await startServer(t);
  await post(server, full);
  const { statements } = await list(server, { format: 'ids' });
  t.match(statements[0], { id: full.id, result: { success: true }, context: { platform: 'x' } }, 'the rest stays');
  t.notOk('name' in (statements[0]!.actor as object));
  t.match(statements[0]!.actor, { mbox: ann.mbox });
  t.same(statements[0]!.verb, { id: verb.id });
  t.notOk('definition' in (statements[0]!.object as object));
  const { instructor, contextActivities } = statements[0]!.context as { instructor: { name?: string; member: { name?: string }[] }; contextActivities: object };
  t.notOk(instructor.name ?? instructor.member[0]!.name);
  t.match(instructor.member, [{ account: bob.account }]);
  t.same(contextActivities, { parent: [{ id: 'https://example.org/course' }] });
  t.same((await server.request('statements', { query: { statementId: full.id, format: 'ids' } })).json(), statements[0], 'a single one too');
});

t.test('exact gives what was received, also after others have redefined it', async (t) => {
  const server = await startServer(t);
  await post(server, full);
  await post(server, sample({ verb: { ...verb, display: { en: 'changed' } }, object: { id: activity.id, definition: { name: { en: 'Changed' } } } }));
  for (const query of [{ format: 'exact' }, {}]) {
    const found = (await server.request('statements', { query: { statementId: full.id, ...query }, headers: { 'Accept-Language': 'de' } })).json<Sample>();
    t.same({ actor: found.actor, verb: found.verb, object: found.object, context: found.context }, { actor: full.actor, verb: full.verb, object: full.object, context: full.context });
  }
});

t.test('canonical gives what the LRS knows, one language in each map', async (t) => {
  const server = await startServer(t);
  await post(server, full);
  const plain = sample({ actor: { ...ann, name: 'Ann' }, verb: { id: verb.id }, object: { id: activity.id } });
  await post(server, plain);
  const cases: [string | undefined, object, object, object][] = [
    ['de', { de: 'Quiz auf Deutsch' }, { de: 'beantwortete' }, { de: 'Ä' }],
    ['de-AT', { de: 'Quiz auf Deutsch' }, { de: 'beantwortete' }, { de: 'Ä' }],
    ['fr;q=0.9, en;q=0.8', { fr: 'Interro' }, { en: 'answered' }, { en: 'A' }],
    ['fr;q=0.1, de;q=0.5', { de: 'Quiz auf Deutsch' }, { de: 'beantwortete' }, { de: 'Ä' }],
    ['en', { en: 'Quiz' }, { en: 'answered' }, { en: 'A' }],
  ];
  for (const [language, name, display, choice] of cases) {
    const { statements } = await list(server, { format: 'canonical' }, { headers: { 'Accept-Language': language } });
    t.equal(statements.length, 2);
    for (const statement of statements) {
      const { definition } = statement.object as { definition: { name: object; description: object; choices: { description: object }[] } };
      t.same(definition.name, name, `${language}: name`);
      t.same(definition.description, { fr: 'seulement' }, `${language}: the only one there is`);
      t.same(definition.choices[0]!.description, choice, `${language}: choices`);
      t.same((statement.verb as { display: object }).display, display, `${language}: display`);
    }
    t.match(statements[1]!.actor, { name: 'Ann' }, 'Agents as in exact');
  }
  for (const language of [undefined, 'ja', '*', 'not, a;;header', 'en;q=0']) {
    const { statements } = await list(server, { format: 'canonical' }, { headers: { 'Accept-Language': language } });
    const { definition } = statements[0]!.object as { definition: { name: object } };
    t.equal(Object.keys(definition.name).length, 1, `${language}: still one language`);
  }
});

t.test('canonical is made of the statements of those who may define', async (t) => {
  const server = await startServer(t);
  const writer = await server.makeKey(['statements/write']);
  const definer = await server.makeKey(['statements/write', 'define']);
  await post(server, sample({ verb, object: activity }), { key: definer });
  await post(server, sample({ actor: { ...ann, name: 'Not Ann' }, verb: { ...verb, display: { en: 'wrong' } }, object: { id: activity.id, definition: { name: { en: 'Wrong' } } } }), { key: writer });
  const { statements } = await list(server, { format: 'canonical' }, { headers: { 'Accept-Language': 'en' } });
  for (const statement of statements) {
    t.match(statement.object, { definition: { name: { en: 'Quiz' } } });
    t.match(statement.verb, { display: { en: 'answered' } });
  }
  t.match((await server.request('activities', { query: { activityId: activity.id } })).json(), { definition: { name: { en: 'Quiz' } } });
  t.notOk((await server.request('agents', { query: { agent: ann } })).text.includes('Not Ann'));
});

t.test('formats that there are not', async (t) => {
  const server = await startServer(t);
  for (const format of ['', 'Exact', 'id', 'exact,ids', '"ids"']) {
    t.equal((await server.request('statements', { query: { format } })).status, 400, format);
    t.equal((await server.request('statements', { query: { format, statementId: full.id } })).status, 400, format);
  }
});
