import t, { type Test } from 'tap';
import { createAnalyticsService, type ViewPage } from '../../../src/query/service.js';
import { createSummaries } from '../../../src/query/summaries.js';
import { summaryTable } from '../../../src/query/summary-sql.js';
import { loadSummaries, loadViews, renderView, wholeTenant, type View } from '../../../src/query/views.js';
import type { Statement } from '../../../src/xapi/types.js';
import { startAnalyticsEngine, statementId } from './analytics-engine.js';

const engine = await startAnalyticsEngine(['one', 'other']);
const adl = 'http://adlnet.gov/expapi/verbs/';
const video = 'https://w3id.org/xapi/video/';
const names = [...loadSummaries().keys()];
const views = [...loadViews().values()].filter(({ sql }) => sql.includes('{by_learner.'));

/** One of many different statements, the same for the same number. */
function sample(n: number): Statement {
  const verbs = ['registered', 'answered', 'completed', 'failed', 'passed', 'experienced', `${video}verbs/paused`];
  const verb = verbs[n % verbs.length]!;
  return {
    actor: n % 11 === 0 ? { objectType: 'Group', name: 'class', mbox: 'mailto:class@example.org' } : { mbox: `mailto:learner${n % 5}@example.org`, name: `Learner ${n % 5}` },
    verb: { id: verb.includes(':') ? verb : adl + verb },
    object: { id: `https://example.org/a${n % 3}`, definition: { name: { en: `A${n % 3}` }, ...(verb === 'answered' ? { interactionType: 'choice' } : {}) } },
    timestamp: `2026-0${1 + (n % 6)}-1${n % 9}T0${n % 10}:15:00Z`,
    context: { contextActivities: { parent: [{ id: 'https://example.org/course' }] }, ...(verb.startsWith(video) ? { extensions: { [`${video}extensions/length`]: 60, [`${video}extensions/session-id`]: `s${n % 4}` } } : {}) },
    ...(verb === 'answered' || verb === 'failed' || verb === 'passed' ? { result: { success: n % 2 === 0, response: String(n % 3), score: { scaled: (n % 5) / 4 }, duration: `PT${n % 13}S` } } : {}),
    ...(verb.startsWith(video) ? { result: { extensions: { [`${video}extensions/played-segments`]: `${n % 20}[.]${20 + (n % 30)}[,]5[.]10` } } } : {}),
  };
}

const samples = (from: number, to: number): Statement[] => Array.from({ length: to - from }, (_, index) => sample(from + index));
const voiding = (n: number): Statement => ({ actor: { mbox: 'mailto:admin@example.org' }, verb: { id: `${adl}voided` }, object: { objectType: 'StatementRef', id: statementId(n) } });

async function rows(query: string): Promise<unknown[]> {
  return (await engine!.client.query({ query, format: 'JSONCompactEachRow' })).json<unknown>();
}

/** What each summarised view says, and what it says when it reads statements alone. */
async function compare(t: Test, tenant: string, when: string): Promise<void> {
  for (const view of views) {
    const database = `quipu_${tenant}`;
    const plain = renderView(view, { ...wholeTenant(database, `'${tenant}'`), byLearner: undefined });
    const columns = view.columns.map(({ name }) => name).join(', ');
    const read = (source: string): Promise<unknown[]> => rows(`SELECT ${columns} FROM ${source} ORDER BY ${view.order}`);
    t.same(await read(`${database}.${view.name}`), await read(`(${plain})`), `${view.name} ${when}`);
  }
}

const summarisedRows = async (tenant: string, name: string): Promise<number> => Number(((await rows(`SELECT count() FROM ${summaryTable(name)} WHERE tenant = '${tenant}'`)) as [string][])[0]![0]);

t.test('summaries', { skip: engine === undefined && 'the package chdb is not installed' }, async (t) => {
  const { client, insert, summaries } = engine!;
  t.equal(views.length, loadViews().size, 'all of them are summarised');

  t.test('views say the same with and without a summary, whatever has changed since', async (t) => {
    await compare(t, 'one', 'of nothing');
    await insert('one', samples(0, 60));
    await compare(t, 'one', 'before the first summary');
    t.equal(await summaries.make('one'), true);
    for (const name of names) t.ok(await summarisedRows('one', name) > 0, name);
    await compare(t, 'one', 'as summarised');
    await insert('one', samples(60, 64));
    await compare(t, 'one', 'with statements behind the summary');
    await insert('one', [voiding(3), voiding(9)]);
    await compare(t, 'one', 'with summarised statements voided behind it');
    await insert('one', [voiding(70)]);
    await insert('one', samples(64, 75));
    await compare(t, 'one', 'with a voiding that came before its target');
    t.equal(await createSummaries({ client, portion: 10 }).make('one'), true);
    await compare(t, 'one', 'as summarised again, in portions');
    await insert('other', samples(0, 20));
    await summaries.make('other');
    await compare(t, 'other', 'of another tenant');
    await compare(t, 'one', 'beside another tenant');
  });

  t.test('a making that was cut short leaves nothing that counts', async (t) => {
    const version = BigInt(((await rows("SELECT toString(max(version)) FROM quipu.summaries WHERE tenant = 'one'")) as [string][])[0]![0]);
    await client.command({ query: `INSERT INTO ${summaryTable('learners')} SELECT tenant, ${version + 1n}, * EXCEPT (tenant, version) FROM ${summaryTable('learners')} WHERE tenant = 'one' AND version = ${version} LIMIT 1` });
    await compare(t, 'one', 'after a making that was cut short');
    t.equal(await summaries.make('one'), true);
    await compare(t, 'one', 'after the next');
    await summaries.make('one');
    t.same(await rows(`SELECT uniqExact(version) FROM ${summaryTable('learners')} WHERE tenant = 'one'`), [['2']], 'what counted before is left for queries under way, and nothing else');
  });

  t.test('two processes that make one at the same time do not disturb each other', async (t) => {
    const made = await Promise.all([summaries.make('one'), createSummaries({ client }).make('one'), createSummaries({ client, portion: 20 }).make('one')]);
    t.same(made, [true, true, true]);
    await compare(t, 'one', 'after three at once');
  });

  t.test('a making that another process overtakes begins again from what that one has made', async (t) => {
    const turn = async (): Promise<number> => Number(((await rows("SELECT intDiv(max(version), 4096) FROM quipu.summaries WHERE tenant = 'one'")) as [string][])[0]![0]);
    const before = await turn();
    await insert('one', samples(75, 80));
    let overtaken = false;
    const slow = Object.create(client, {
      command: {
        value: async (params: Parameters<typeof client.command>[0]) => {
          const isSecond = params.query.startsWith(`INSERT INTO ${summaryTable(names[1]!)}`);
          if (isSecond && !overtaken) {
            overtaken = true;
            await summaries.make('one');
          }
          return client.command(params);
        },
      },
    }) as typeof client;
    t.equal(await createSummaries({ client: slow, portion: 20 }).make('one'), true);
    t.equal(await turn(), before + 2, 'it counts after the other');
    await compare(t, 'one', 'after one that was overtaken');
    t.same(await rows('SELECT count() FROM quipu.changed_learners'), [['0']], 'nothing is left of what was read meanwhile');
  });

  t.test('an erasure takes the summary away before anything else, of its tenant alone, and what is made meanwhile', async (t) => {
    const others = await summarisedRows('other', names[0]!);
    const making = createSummaries({ client, portion: 10 }).make('one');
    await summaries.takeAway(['one']);
    t.equal(await making, false, 'it was made for nothing');
    for (const name of names) t.equal(await summarisedRows('one', name), 0, `${name} is gone`);
    t.equal(await summaries.make('one'), false, 'none is made before the erasure is over');
    await client.command({ query: "DELETE FROM quipu.statement_log WHERE tenant = 'one' AND actor_id = 'mbox:mailto:learner1@example.org'", clickhouse_settings: { lightweight_deletes_sync: '2' } });
    await compare(t, 'one', 'after an erasure');
    await summaries.allow(['one']);
    t.equal(await createSummaries({ client, portion: 10 }).make('one'), true);
    await compare(t, 'one', 'as summarised after an erasure, in portions');
    for (const name of names) t.notMatch(JSON.stringify(await rows(`SELECT * FROM ${summaryTable(name)} WHERE tenant = 'one'`)), /learner1@/, name);
    t.equal(await summarisedRows('other', names[0]!), others);
    await summaries.takeAway(['never']);
    await summaries.allow(['never', 'other']);
    await compare(t, 'other', 'where nothing was taken away');
  });

  t.test('a summary is made when enough is behind it, and not at once again', async (t) => {
    await insert('other', samples(80, 100));
    const tended = createSummaries({ client, minBehind: 5, minShare: 0.1, rest: 1e6 });
    const made = async (): Promise<unknown> => Number(((await rows("SELECT count() FROM quipu.summaries WHERE tenant = 'other'")) as [string][])[0]![0]);
    const before = Number(await made());
    await tended.tend(['other']);
    t.equal(await made(), before + 1);
    await insert('other', samples(100, 140));
    await tended.tend(['other']);
    t.equal(await made(), before + 1, 'it rests');
    await createSummaries({ client, minBehind: 41, minShare: 0.1, rest: 0 }).tend(['other']);
    t.equal(await made(), before + 1, 'too little is behind it');
    await createSummaries({ client, minBehind: 5, minShare: 0.1, rest: 0 }).tend(['other']);
    t.equal(await made(), before + 2);
    await compare(t, 'other', 'as tended');
  });

  t.test('one that fails leaves nothing, is not tried again at once, and holds up no other tenant', async (t) => {
    await insert('one', samples(400, 420));
    await insert('other', samples(400, 420));
    let failed = 0;
    const failing = new Proxy(client, {
      get: (target, name) => (name !== 'command' ? Reflect.get(target, name, target) as unknown : (request: Parameters<typeof client.command>[0]) => {
        if (!request.query.startsWith('INSERT INTO quipu.learners') || request.query_params!.tenant !== 'one') return target.command(request);
        failed++;
        throw new Error('no memory');
      }),
    });
    const partitions = () => rows("SELECT table, partition FROM system.parts WHERE active AND database = 'quipu' AND (table LIKE '%_by_learner' OR table = 'changed_learners') AND startsWith(partition, '(\\'one\\'') ORDER BY ALL");
    const [before, others] = [await partitions(), await rows("SELECT max(version) FROM quipu.summaries WHERE tenant = 'other'")];
    const tended = createSummaries({ client: failing, minBehind: 5, minShare: 0, rest: 1e6 });
    await t.rejects(tended.tend(['one', 'other']), { message: 'no memory' });
    t.same(await partitions(), before);
    t.notSame(await rows("SELECT max(version) FROM quipu.summaries WHERE tenant = 'other'"), others);
    await tended.tend(['one']);
    t.equal(failed, 1);
    await compare(t, 'one', 'after a failure');
  });

  t.test('pages of one listing count the same statements, also when summaries are made between them', async (t) => {
    const service = createAnalyticsService({ client, prepareTenant: async () => undefined, check: () => undefined });
    const filters = { timezone: 'UTC', descendants: false };
    const start = { offset: 0, now: Date.UTC(2026, 11, 1) };
    const listings: { view: View; whole: unknown[][]; first: ViewPage }[] = [];
    for (const view of views.filter(({ name }) => name !== 'key_figures')) {
      listings.push({ view, whole: (await service.page('other', view, filters, start, 1000)).rows, first: await service.page('other', view, filters, start, 2) });
    }
    // The one that the first pages have read is dropped by the second of these, and others have nothing new.
    for (let made = 0; made < 2; made++) {
      await insert('other', samples(300, 340).filter((_, n) => n % 5 === 1));
      await summaries.make('other');
    }
    for (const { view, whole, first } of listings) {
      const second = await service.page('other', view, filters, first.next!, 1000);
      t.same([...first.rows, ...second.rows], whole, view.name);
      if (view.columns.some(({ name }) => name === 'statements')) t.notSame((await service.page('other', view, filters, start, 1000)).rows, whole, `${view.name} has changed`);
    }
  });

  t.test('what a program with other definitions has made is not read, and made anew', async (t) => {
    const service = createAnalyticsService({ client, prepareTenant: async () => undefined, check: () => undefined });
    await summaries.make('other');
    // It has filled none of the tables that are read here, and dropped what was in them.
    await client.command({ query: "INSERT INTO quipu.summaries SELECT tenant, max(version) + 4096, max(through), now64(3), 'of an older program' FROM quipu.summaries WHERE tenant = 'other' GROUP BY tenant" });
    await compare(t, 'other', 'beside an older program');
    const { rows: [row] } = await service.page('other', loadViews().get('key_figures')!, { timezone: 'UTC', descendants: false }, { offset: 0, now: Date.UTC(2026, 11, 1) }, 10);
    t.same(row![0], Number(((await rows('SELECT count() FROM quipu_other.statements')) as [string][])[0]![0]));
    t.equal(await summaries.make('other'), true);
    t.ok(await summarisedRows('other', 'days') > 0);
    await compare(t, 'other', 'as made after an older program');
  });

  t.test('tables of another definition are made anew and empty', async (t) => {
    await client.command({ query: `ALTER TABLE ${summaryTable('learners')} MODIFY COMMENT 'older'` });
    await summaries.prepare();
    t.equal(await summarisedRows('other', 'learners'), 0);
    await compare(t, 'other', 'after the definition changed');
  });
});

t.teardown(() => engine?.close());
