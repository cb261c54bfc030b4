import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { openLevelStorage } from '../../src/storage/leveldb/open.js';
import { filterKeys, statementKeys, type StatementKey } from '../../src/xapi/statement-keys.js';
import type { Actor, Statement } from '../../src/xapi/types.js';
import { incoming } from '../contract/statement-samples.js';
import type { NewStatement } from '../../src/statements/store.js';
import { generateStatements } from '../../bench/generator.js';

/**
 * What queries read, counted in entries of postings and records, at a size where reading too much would crawl.
 * QUIPU_SCALE sets the number of statements.
 */
const size = Number(process.env.QUIPU_SCALE ?? 300_000);
const population = { learners: 20_000, courses: 50, activitiesPerCourse: 200 };
const authority: Actor = { account: { homePage: 'https://lms.example.org', name: 'key' } };

t.test(`queries at ${size} statements`, { timeout: 1_800_000 }, async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'quipu-scale-'));
  const storage = await openLevelStorage({ directory });
  t.teardown(async () => {
    await storage.close();
    await rm(directory, { recursive: true, force: true });
  });
  const { statements: store } = storage;
  const lengths = new Map<StatementKey, number>();
  const began = Date.now();
  let batch: NewStatement[] = [];
  let pending: Promise<unknown> = Promise.resolve();
  for (const value of generateStatements(1, size, population)) {
    const keys = statementKeys({ ...value, authority } as Statement);
    for (const key of keys) lengths.set(key, (lengths.get(key) ?? 0) + 1);
    batch.push(incoming(value, { authority }));
    if (batch.length < 1000) continue;
    const full = batch;
    batch = [];
    await pending;
    pending = store.append('default', full);
  }
  await pending;
  if (batch.length > 0) await store.append('default', batch);
  t.comment(`filled at ${Math.round((size / (Date.now() - began)) * 1000)} statements/s`);
  t.equal(await store.count('default'), size);

  const agent = (learner: number): Actor => ({ account: { homePage: 'https://lms.example.org', name: `learner-${learner}` } });
  const activity = (course: number, number: number): string => `https://lms.example.org/courses/${course}/activities/${number}`;
  const answered = 'http://adlnet.gov/expapi/verbs/answered';
  const registration = '00000003-0000-4000-a000-000000000003';
  const one: Record<string, Parameters<typeof filterKeys>[0]> = {
    'a busy agent': { agent: agent(0) }, 'a rare agent': { agent: agent(15_000) }, 'a verb': { verb: answered }, 'an activity': { activity: activity(3, 2) },
    'a registration': { registration }, 'related agents': { agent: authority, relatedAgents: true },
    'related activities': { activity: 'https://lms.example.org/courses/3', relatedActivities: true },
  };
  const several: Record<string, Parameters<typeof filterKeys>[0]> = {
    'agent and verb': { agent: agent(7), verb: answered }, 'verb and activity': { verb: answered, activity: activity(3, 2) },
    'agent, verb and activity': { agent: agent(3), verb: answered, activity: activity(3, 0) },
    'agent and an activity of another course': { agent: agent(0), activity: activity(1, 0) },
    'rare agent and verb': { agent: agent(15_000), verb: answered }, 'registration and related activity': { registration, activity: 'https://lms.example.org/courses/3', relatedActivities: true },
    'related agent, verb and related activity': { agent: agent(7), relatedAgents: true, verb: answered, activity: 'https://lms.example.org/courses/7', relatedActivities: true },
  };
  const run = async (filter: Parameters<typeof filterKeys>[0], ascending: boolean) => {
    const filters = filterKeys(filter);
    const before = { ...store.reads };
    const at = performance.now();
    const page = await store.find('default', { filters, ascending, limit: 100 });
    const sparsest = Math.min(...filters.map((anyOf) => anyOf.reduce((sum, key) => sum + (lengths.get(key) ?? 0), 0)));
    return { filters, page, sparsest, entries: store.reads.entries - before.entries, records: store.reads.records - before.records, ms: performance.now() - at };
  };

  for (const ascending of [false, true]) {
    for (const [name, filter] of Object.entries(one)) {
      const { page, sparsest, entries, records, ms } = await run(filter, ascending);
      t.comment(`${name}: ${page.statements.length} of ${sparsest}, ${entries} entries and ${records} records, ${ms.toFixed(1)} ms`);
      t.equal(page.statements.length, Math.min(100, sparsest), `${name} answers a page`);
      t.ok(entries + records <= 3 * page.statements.length + 3, `${name} reads at most 3 entries a statement: ${entries} + ${records} for ${page.statements.length}`);
    }
    for (const [name, filter] of Object.entries(several)) {
      const { filters, page, sparsest, entries, records, ms } = await run(filter, ascending);
      t.comment(`${name}: ${page.statements.length}, sparsest list ${sparsest}, ${entries} entries and ${records} records, ${ms.toFixed(1)} ms`);
      t.ok(entries <= 2 * sparsest + 32 * filters.length, `${name} reads at most twice the sparsest list of ${sparsest}: ${entries} entries`);
      t.ok(records <= sparsest, `${name} reads no more records than that list has: ${records}`);
      for (const { text } of page.statements) {
        const keys = statementKeys(JSON.parse(text.toString()) as Statement);
        if (!filters.every((anyOf) => anyOf.some((key) => keys.includes(key)))) t.fail(`${name} answers a statement that does not match`);
      }
    }
  }
});
