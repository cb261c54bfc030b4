import t from 'tap';
import { generateStatements } from '../../../bench/generator.js';
import { createTally, drawFilters, factsOf, filterKinds, filterParameters, matches, pageFault, queryPath, type FilterKind } from '../../../bench/statement-queries.js';
import { filterKeys, statementKeys } from '../../../src/xapi/statement-keys.js';
import type { Actor } from '../../../src/xapi/types.js';

const statements = [...generateStatements(3, 2000, { learners: 200, courses: 5, activitiesPerCourse: 20 })];
const facts = statements.map(factsOf);
const kinds = Object.keys(filterKinds) as FilterKind[];

for (const kind of kinds) {
  t.test(`filters by ${kind}`, async (t) => {
    const filters = drawFilters(kind, facts, 50);
    t.equal(filters.length, 50);
    const tally = createTally(filters);
    facts.forEach(tally.add);
    const counted = filters.map((filter) => facts.filter((one) => matches(filter, one)).length);
    t.strictSame(tally.counts, counted, 'the tally counts what matches');
    t.ok(counted.every((count) => count > 0), 'each finds something');
    const byProgram = filters.map((filter) => {
      const { agent, verb, activity, registration, related_agents: relatedAgents, related_activities: relatedActivities } = filterParameters(filter);
      const keys = filterKeys({ ...(agent === undefined ? {} : { agent: JSON.parse(agent) as Actor }), verb, activity, registration, relatedAgents: relatedAgents === 'true', relatedActivities: relatedActivities === 'true' });
      return statements.filter((statement) => keys.every((anyOf) => anyOf.some((key) => statementKeys(statement).includes(key)))).length;
    });
    t.strictSame(byProgram, counted, 'which is what the standard makes of the parameters');
  });
}

t.test('filters are drawn as often as what they ask for happens', async (t) => {
  const filters = drawFilters('agent', facts, 200);
  const share = (agent: string, of: { agent?: string }[]): number => of.filter((one) => one.agent === agent).length / of.length;
  t.ok(Math.abs(share('learner-0', filters) - share('learner-0', facts)) < 0.06);
  t.ok(new Set(filters.map(({ agent }) => agent)).size > 40, 'rare ones among them');
});

t.test('a tally goes on from counts', async (t) => {
  const filters = drawFilters('verb', facts, 3);
  const whole = createTally(filters);
  facts.forEach(whole.add);
  const half = createTally(filters);
  facts.slice(0, 1000).forEach(half.add);
  const rest = createTally(filters, half.counts);
  facts.slice(1000).forEach(rest.add);
  t.strictSame(rest.counts, whole.counts);
});

t.test('a path', async (t) => {
  t.equal(queryPath({ verb: 'http://example.org/?a=b&c', limit: '10' }), '/statements?verb=http%3A%2F%2Fexample.org%2F%3Fa%3Db%26c&limit=10');
});

t.test('what is wrong with a page', async (t) => {
  const filter = { verb: statements[0]!.verb.id };
  const right = statements.filter(({ verb }) => verb.id === filter.verb).slice(0, 10);
  const stored = (index: number): string => new Date(1e12 - index * 1000).toISOString();
  const page = (of: typeof right): string => JSON.stringify({ statements: of.map((statement, index) => ({ ...statement, stored: stored(index) })), more: '' });
  const rules = { filter, limit: 10, expected: 300, exact: true };
  t.equal(pageFault(page(right), rules), undefined);
  t.match(pageFault(page(right.slice(1)), rules), '9 statements where 10');
  t.match(pageFault(page(right), { ...rules, expected: 9 }), '10 statements where 9');
  t.equal(pageFault(page(right), { ...rules, expected: 9, exact: false }), undefined, 'others may have come meanwhile');
  t.match(pageFault(page(right), { ...rules, limit: 5 }), '10 statements where 5');
  t.match(pageFault(page([...right.slice(1), right[1]!]), rules), 'twice');
  const other = statements.find(({ verb }) => verb.id !== filter.verb)!;
  t.match(pageFault(page([...right.slice(1), other]), rules), other.id);
  t.match(pageFault(JSON.stringify({ statements: right.map((statement, index) => ({ ...statement, stored: stored(10 - index) })) }), rules), 'newest');
  t.match(pageFault('<html>', rules), 'JSON');
  t.match(pageFault('{}', rules), 'no statements');
});
