import { randomUUID } from 'node:crypto';
import t from 'tap';
import { readFixtures } from './fixtures.js';
import { startServer } from './server.js';

/** What the LRS writes into a statement, and nothing else. */
const ours = ['stored', 'authority', 'version', 'timestamp', 'id'] as const;

/** The statement as it is to be read: contextActivities as arrays (xAPI 1.0.3 Part Two 2.4.6.2), and what the LRS sets. */
function expected(sent: Record<string, unknown>, found: Record<string, unknown>): Record<string, unknown> {
  const copy = structuredClone(sent);
  const { contextActivities } = (copy.context ?? {}) as { contextActivities?: Record<string, unknown> };
  if (contextActivities) for (const [kind, value] of Object.entries(contextActivities)) if (!Array.isArray(value)) contextActivities[kind] = [value];
  for (const name of ours) copy[name] ??= found[name];
  return copy;
}

/** Values by the text of their members in order of name: `__proto__` is a key like any other, and -0 is 0. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) => (typeof member !== 'object' || member === null || Array.isArray(member)
    ? member : Object.entries(member).sort(([one], [other]) => (one < other ? -1 : 1))));
}

t.test('statements in the shapes of real tools come back exactly', async (t) => {
  const server = await startServer(t);
  for (const { name, statements } of await readFixtures()) {
    for (const version of ['1.0.3', '2.0.0']) {
      const fresh = statements.map((statement) => ({ ...statement, ...(statement.id !== undefined && { id: randomUUID() }), ...(version === '2.0.0' && statement.version !== undefined && { version }) }));
      const answer = await server.request('statements', { method: 'POST', version, body: fresh });
      t.equal(answer.status, 200, `${name} under ${version}: ${answer.text.slice(0, 300)}`);
      if (answer.status !== 200) continue;
      for (const [at, id] of answer.json<string[]>().entries()) {
        const found = (await server.request('statements', { version, query: { statementId: id } })).json<Record<string, unknown>>();
        t.equal(canonical(found), canonical(expected(fresh[at]!, found)), `${name} ${at} under ${version}`);
      }
      const again = await server.request('statements', { method: 'POST', version, body: fresh.filter(({ id }) => id !== undefined) });
      t.equal(again.status, 200, `${name} sent once more is no conflict`);
    }
  }
});

t.test('what a tool looks its own statements up by', async (t) => {
  const server = await startServer(t);
  for (const { statements } of await readFixtures()) await server.request('statements', { method: 'POST', version: '1.0.3', body: statements });
  const count = async (query: Record<string, unknown>): Promise<number> => (await server.request('statements', { version: '1.0.3', query })).json<{ statements: object[] }>().statements.length;

  t.equal(await count({ activity: 'https://courses.example.edu/course/course-v1:Uni+BIO101+2026_T1' }), 2, 'an Open edX course by its id with plus signs');
  t.equal(await count({ activity: 'https://courses.example.edu/course/course-v1:Uni+BIO101+2026_T1', related_activities: true }), 6, 'and all that happened in it');
  t.equal(await count({ activity: 'http://ispring.example.com/course/CCCC', related_activities: true }), 3, 'an iSpring course by contexts that were single objects');
  t.equal(await count({ agent: { mbox: 'mailto:ines@school.example' } }), 5, "an H5P user's statements");
  t.equal(await count({ agent: { account: { homePage: 'https://moodle.example.ac.uk', name: '1207' } } }), 5, "a Moodle user's statements");
  t.equal(await count({ registration: 'ec531277-b57b-4c15-8d91-d292c5b2b8f7' }), 9, 'a cmi5 registration');
  t.equal(await count({ agent: { openid: 'https://id.example.org/b' } }), 2, 'a member of a group, and what refers to the statement of the group');
});
