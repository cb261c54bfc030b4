import t from 'tap';
import { renderView, loadViews } from '../../../src/query/views.js';
import type { Statement } from '../../../src/xapi/types.js';
import { startAnalyticsEngine, statementId } from './analytics-engine.js';

const views = loadViews();
const tenants = ['course', 'order', 'quiz', 'film', 'clock', 'weeks', 'risk', 'void', 'extremes', 'graders', 'again', 'names', 'odd_films', 'far'];
const engine = await startAnalyticsEngine(tenants);
const adl = 'http://adlnet.gov/expapi/verbs/';
const video = 'https://w3id.org/xapi/video/';
const courseType = 'http://adlnet.gov/expapi/activities/course';

type Extras = Partial<Statement> & { parent?: string; type?: string; question?: boolean };

/** A statement of a person, by the last part of the verb's and the activity's id. */
function say(who: string, verb: string, activity: string, at: string, { parent, type, question, context, ...rest }: Extras = {}): Statement {
  return {
    actor: { mbox: `mailto:${who}@example.org`, name: who }, verb: { id: verb.includes(':') ? verb : adl + verb },
    object: { id: `https://example.org/${activity}`, definition: { name: { en: activity }, ...(type ? { type } : {}), ...(question ? { interactionType: 'choice' } : {}) } },
    timestamp: `2026-${at}Z`,
    ...(parent || context ? { context: { ...context, ...(parent ? { contextActivities: { parent: [{ id: `https://example.org/${parent}` }] } } : {}) } } : {}),
    ...rest,
  };
}

const id = (activity: string): string => `https://example.org/${activity}`;
const agent = (who: string): string => `mbox:mailto:${who}@example.org`;

/** The rows of a view, as the view's order sorts them, with the columns asked for. */
async function rows(tenant: string, name: string, columns: string, now?: string): Promise<unknown[][]> {
  const view = views.get(name)!;
  const source = now === undefined ? `quipu_${tenant}.${name}`
    : `(${renderView(view, { statements: `quipu_${tenant}.statements`, timezone: "'UTC'", now: `toDateTime64('${now}', 3, 'UTC')` })})`;
  const found = await engine!.client.query({ query: `SELECT ${columns} FROM ${source} ORDER BY ${view.order}`, format: 'JSONCompactEachRow' });
  return found.json<unknown[]>();
}

/** Puts statements into a tenant's log, of which every other is in the summaries that views read. */
async function insert(tenant: string, statements: Statement[]): Promise<void> {
  await engine!.insert(tenant, statements.filter((_, index) => index % 2 === 0));
  await engine!.summaries.make(tenant);
  await engine!.insert(tenant, statements.filter((_, index) => index % 2 === 1));
}

const rounded = (value: unknown): unknown => (typeof value === 'number' ? Math.round(value * 1e6) / 1e6 : Array.isArray(value) ? value.map(rounded) : value);

t.test('views', { skip: engine === undefined && 'the package chdb is not installed' }, async (t) => {
  t.test('every view has the columns that its file describes', async (t) => {
    for (const { name, columns } of views.values()) {
      const found = await engine!.client.query({ query: `DESCRIBE TABLE quipu_course.${name}`, format: 'JSONEachRow' });
      t.strictSame((await found.json<{ name: string }>()).map((column: { name: string }) => column.name), columns.map((column) => column.name), name);
    }
  });

  t.test('a course: two learners enrol, Ann completes and passes, Bob leaves, Cid only looks', async (t) => {
    await insert('course', [
      say('ann', 'registered', 'c', '06-01T08:00:00', { type: courseType }),
      say('bob', 'registered', 'c', '06-01T09:00:00', { type: courseType }),
      say('ann', 'initialized', 'c/1', '06-01T10:00:00', { parent: 'c' }),
      say('ann', 'completed', 'c/1', '06-01T23:30:00', { parent: 'c', result: { score: { scaled: 0.8 }, duration: 'PT10M' } }),
      say('bob', 'failed', 'c/1', '06-02T10:00:00', { parent: 'c', result: { success: false, score: { raw: 30, min: 10, max: 60 }, duration: 'PT20M' } }),
      say('bob', 'http://id.tincanapi.com/verb/unregistered', 'c', '06-02T11:00:00'),
      say('ann', 'https://w3id.org/xapi/adl/verbs/satisfied', 'c', '06-03T08:00:00'),
      say('ann', 'passed', 'c', '06-03T08:00:01', { result: { success: true, score: { scaled: 1 } } }),
      say('cid', 'experienced', 'c/1', '06-03T09:00:00', { parent: 'c', result: { duration: 'PT1M' } }),
      { ...say('x', 'experienced', 'c', '06-03T09:30:00'), actor: { objectType: 'Group', name: 'class', mbox: 'mailto:class@example.org' } },
    ]);

    // 10 statements; Ann, Bob, Cid (the Group is none); activities c and c/1; Ann completed both; scores 0.8, (30-10)/50 = 0.4, 1: mean 2.2/3.
    t.strictSame((await rows('course', 'key_figures', 'statements, learners, activities, completions, round(average_score, 4)')), [[10, 3, 2, 2, 0.7333]]);
    // 1 June: 4 statements of 2; 2 June: 2 of Bob; 3 June: 4 of Ann, Cid and the Group.
    t.strictSame(await rows('course', 'activity_per_day', '*'), [['2026-06-01', 4, 2, 2], ['2026-06-02', 2, 1, 2], ['2026-06-03', 4, 2, 2]]);
    t.strictSame((await rows('course', 'activity_per_hour', 'toString(hour), statements, learners')).slice(-2), [['2026-06-03 08:00:00', 2, 1], ['2026-06-03 09:00:00', 2, 1]]);
    // Last seen first. Ann: 5 statements on 2 days; Bob 3 on 2; Cid 1.
    t.strictSame(await rows('course', 'learners', 'learner, name, statements, active_days, activities, completed, average_score'), [
      [agent('cid'), 'cid', 1, 1, 1, 0, null], [agent('ann'), 'ann', 5, 2, 2, 2, 0.9], [agent('bob'), 'bob', 3, 2, 2, 0, 0.4],
    ]);
    // c/1: Ann twice, Bob, Cid. c: Ann three times, Bob twice, the Group.
    t.strictSame((await rows('course', 'activities', 'activity, name, type, statements, learners, completed, average_score')).map(rounded), [
      [id('c/1'), 'c/1', '', 4, 3, 1, 0.6], [id('c'), 'c', courseType, 6, 2, 1, 1],
    ]);
    t.strictSame((await rows('course', 'verbs', 'verb, statements, learners, activities')).slice(0, 2), [[`${adl}experienced`, 2, 1, 2], [`${adl}registered`, 2, 2, 1]]);
    // c: Ann and Bob enrolled, Bob left, Ann completed after exactly 2 days: 1 of 2. c/1: nobody enrolled.
    t.strictSame(await rows('course', 'enrolments_and_completions', '*'), [[id('c'), 'c', 2, 1, 1, 0.5, 2], [id('c/1'), 'c/1', 0, 0, 1, null, null]]);
    // c/1: 0.8 and 0.4, mean and median 0.6, deviation 0.2.
    t.strictSame((await rows('course', 'scores', '*')).map(rounded), [[id('c/1'), 'c/1', 2, 2, 0.6, 0.6, 0.2, 0.4, 0.8], [id('c'), 'c', 1, 1, 1, 1, 0, 1, 1]]);
    // 1.0 falls into the highest tenth, 0.4 into the one from 0.4, 0.8 into the one from 0.8.
    t.strictSame(await rows('course', 'score_distribution', '*'), [
      [id('c'), 'c', 0.9, 1, 1, 1], [id('c/1'), 'c/1', 0.4, 0.5, 1, 1], [id('c/1'), 'c/1', 0.8, 0.9, 1, 1],
    ]);
    // Enrolled or further: Ann, Bob, Cid. Started: all (Bob by failing c/1). A part completed: Ann. Completed: Ann. Passed: Ann.
    t.strictSame((await rows('course', 'course_funnel', 'course, step, step_name, learners, share, lost')).map(rounded), [
      [id('c'), 1, 'enrolled', 3, 1, 0], [id('c'), 2, 'started', 3, 1, 0], [id('c'), 3, 'completed-a-part', 1, 0.333333, 2], [id('c'), 4, 'completed', 1, 0.333333, 0], [id('c'), 5, 'passed', 1, 0.333333, 0],
    ]);
    // Longest durations on c/1: 600, 1200 and 60 s: median 600; nine tenths lies 0.8 of the way from 600 to 1200.
    t.strictSame((await rows('course', 'slowest_content', '*')).map(rounded), [[id('c/1'), 'c/1', 3, 3, 600, 1080, 1200]]);
    // c/1 was judged once, Bob's failure; c once, Ann's success.
    t.strictSame(await rows('course', 'most_failing_content', '*'), [[id('c/1'), 'c/1', 1, 1, 1, 1, 1, 1]]);
    t.strictSame(await rows('course', 'latest_state', 'learner, activity, name, last_verb, statements, completed, success, last_score, best_score'), [
      [agent('cid'), id('c/1'), 'c/1', `${adl}experienced`, 1, false, null, null, null],
      [agent('ann'), id('c'), 'c', `${adl}passed`, 3, true, true, 1, 1],
      [agent('bob'), id('c'), 'c', 'http://id.tincanapi.com/verb/unregistered', 2, false, null, null, null],
      [agent('bob'), id('c/1'), 'c/1', `${adl}failed`, 1, false, false, 0.4, 0.4],
      [agent('ann'), id('c/1'), 'c/1', `${adl}completed`, 2, true, null, 0.8, 0.8],
    ]);
  });

  t.test('a statement counts for one course: its object, else one of its parents, else of its groupings', async (t) => {
    const within = (parents: string[], groupings: string[]): Extras => ({ context: { contextActivities: { parent: parents.map((one) => ({ id: id(one) })), grouping: groupings.map((one) => ({ id: id(one) })) } } });
    await insert('order', [
      say('ann', 'registered', 'a', '06-01T08:00:00', { type: courseType }),
      say('ann', 'registered', 'b', '06-01T08:00:00', { type: courseType }),
      say('bob', 'completed', 'module/1', '06-01T09:00:00', within(['module', 'b'], ['a'])),
      say('cid', 'completed', 'module/2', '06-01T09:00:00', within(['module'], ['programme', 'a'])),
      say('dan', 'completed', 'b', '06-01T09:00:00', within(['a'], [])),
      say('eve', 'completed', 'module/2', '06-01T09:00:00', within(['module'], ['programme'])),
    ]);
    // a: Ann enrolled, Cid completed a part. b: Ann enrolled, Bob completed a part, Dan completed it. Eve did nothing of a course.
    t.strictSame(await rows('order', 'course_funnel', 'course, step, learners'), [
      [id('a'), 1, 2], [id('a'), 2, 1], [id('a'), 3, 1], [id('a'), 4, 0], [id('a'), 5, 0], [id('b'), 1, 3], [id('b'), 2, 2], [id('b'), 3, 2], [id('b'), 4, 1], [id('b'), 5, 0],
    ]);
  });

  t.test('a quiz of two questions', async (t) => {
    const answer = (who: string, question: string, at: string, response: string, success: boolean): Statement =>
      say(who, 'answered', question, at, { parent: 'quiz', question: true, result: { response, success } });
    await insert('quiz', [
      answer('ann', 'q1', '06-01T08:00:00', 'a', true), answer('ann', 'q2', '06-01T08:01:00', 'x', true),
      answer('bob', 'q1', '06-01T08:00:00', 'a', true), answer('bob', 'q2', '06-01T08:01:00', 'x', true),
      answer('cid', 'q1', '06-01T08:00:00', 'b', false), answer('cid', 'q1', '06-01T08:05:00', 'a', true), answer('cid', 'q2', '06-01T08:01:00', 'y', false),
      answer('dee', 'q1', '06-01T08:00:00', 'c', false), answer('dee', 'q2', '06-01T08:01:00', 'x', true),
    ]);
    // First tries by Ann, Bob, Cid, Dee: q1 1 1 0 0, q2 1 1 0 1. Their correlation: covariance 0.5 - 0.5 * 0.75 = 0.125,
    // deviations 0.5 and sqrt(0.1875): 0.125 / 0.216506 = 0.577350. q1: 5 attempts, 3 right. q2: 4 attempts, 3 right.
    t.strictSame((await rows('quiz', 'question_attempts', '*')).map(rounded), [
      [id('q1'), 'q1', 'choice', id('quiz'), 5, 4, 1.25, 0.6, 0.5, 0.57735],
      [id('q2'), 'q2', 'choice', id('quiz'), 4, 4, 1, 0.75, 0.75, 0.57735],
    ]);
    t.strictSame(await rows('quiz', 'question_answers', '*'), [
      [id('q1'), 'q1', 'a', 3, 0.6, 3, 3], [id('q1'), 'q1', 'b', 1, 0.2, 1, 0], [id('q1'), 'q1', 'c', 1, 0.2, 1, 0],
      [id('q2'), 'q2', 'x', 3, 0.75, 3, 3], [id('q2'), 'q2', 'y', 1, 0.25, 1, 0],
    ]);
  });

  t.test('a video of 100 seconds', async (t) => {
    const watch = (who: string, at: string, segments: string, session: string): Statement => say(who, `${video}verbs/paused`, 'film', at, {
      result: { extensions: { [`${video}extensions/played-segments`]: segments } },
      context: { extensions: { [`${video}extensions/length`]: 100, [`${video}extensions/session-id`]: session } },
    });
    await insert('film', [
      // Ann plays 0 to 10, then goes on to 20 in the same session: the later statement holds both. In another session 5 to 10 again.
      watch('ann', '06-01T08:00:00', '0[.]10', 's1'), watch('ann', '06-01T08:01:00', '0[.]10[,]10[.]20', 's1'), watch('ann', '06-02T08:00:00', '5[.]10', 's2'),
      // Bob plays everything once.
      watch('bob', '06-01T08:00:00', '0[.]100', 's3'),
    ]);
    const found = await rows('film', 'video_segments', '*');
    t.equal(found.length, 100);
    //                                             percent, from, to, viewers, watched, share, plays, rewatched, stopped
    t.strictSame(found[0], [id('film'), 'film', 0, 0, 1, 2, 2, 1, 2, 0, 0]);
    t.strictSame(found[7], [id('film'), 'film', 7, 7, 8, 2, 2, 1, 3, 1, 0]);
    t.strictSame(found[19], [id('film'), 'film', 19, 19, 20, 2, 2, 1, 2, 0, 1]);
    t.strictSame(found[20], [id('film'), 'film', 20, 20, 21, 2, 1, 0.5, 1, 0, 0]);
    t.strictSame(found[99], [id('film'), 'film', 99, 99, 100, 2, 1, 0.5, 1, 0, 1]);
  });

  t.test('sessions end after more than 30 idle minutes', async (t) => {
    await insert('clock', [
      say('ann', 'experienced', 'p1', '06-01T08:00:00'), say('ann', 'experienced', 'p2', '06-01T08:10:00'), say('ann', 'experienced', 'p1', '06-01T08:40:00'),
      say('ann', 'experienced', 'p1', '06-01T09:10:00.001'), say('bob', 'experienced', 'p1', '06-01T08:20:00'),
    ]);
    // 08:10 to 08:40 are exactly 30 minutes and go on; the statement one millisecond more than 30 minutes later begins anew.
    t.strictSame(await rows('clock', 'sessions', 'learner, name, toString(started), toString(ended), seconds, statements'), [
      [agent('ann'), 'ann', '2026-06-01 09:10:00.001', '2026-06-01 09:10:00.001', 0, 1],
      [agent('bob'), 'bob', '2026-06-01 08:20:00.000', '2026-06-01 08:20:00.000', 0, 1],
      [agent('ann'), 'ann', '2026-06-01 08:00:00.000', '2026-06-01 08:40:00.000', 2400, 3],
    ]);
    // Ann: 30 minutes from p2 to p1, 10 from p1 to p2; the gap after is idle.
    t.strictSame(await rows('clock', 'time_spent', '*'), [
      [agent('ann'), id('p2'), 1800, 1], [agent('ann'), id('p1'), 600, 3], [agent('bob'), id('p1'), 0, 1],
    ]);
  });

  t.test('cohorts begin on Mondays', async (t) => {
    await insert('weeks', [
      // 31 May 2026 is a Sunday, 1 June a Monday.
      say('ann', 'experienced', 'p', '05-31T23:59:59'), say('ann', 'experienced', 'p', '06-01T00:00:00'), say('ann', 'experienced', 'p', '06-15T00:00:00'),
      say('bob', 'experienced', 'p', '05-25T00:00:00'), say('bob', 'experienced', 'p', '05-26T00:00:00'),
      say('cid', 'experienced', 'p', '06-07T00:00:00'),
    ]);
    t.strictSame(await rows('weeks', 'cohort_retention', '*'), [
      ['2026-05-25', 0, 2, 2, 1], ['2026-05-25', 1, 2, 1, 0.5], ['2026-05-25', 3, 2, 1, 0.5], ['2026-06-01', 0, 1, 1, 1],
    ]);
  });

  t.test('who is at risk on 30 June, and why', async (t) => {
    const failed = (who: string, activity: string, at: string, scaled: number): Statement => say(who, 'failed', activity, at, { result: { success: false, score: { scaled } } });
    await insert('risk', [
      say('ann', 'registered', 'c', '06-01T00:00:00'), say('ann', 'experienced', 'c/1', '06-10T00:00:00'),
      // Bob is as long away and has completed what he enrolled in.
      say('bob', 'registered', 'c', '06-01T00:00:00'), say('bob', 'completed', 'c', '06-10T00:00:00'),
      say('cid', 'registered', 'c', '06-23T00:00:00'),
      failed('dee', 'c/1', '06-29T00:00:00', 0.2), failed('dee', 'c/2', '06-29T01:00:00', 0.3), failed('dee', 'c/3', '06-29T02:00:00', 0.4), say('dee', 'passed', 'c/3', '06-29T03:00:00', { result: { success: true } }),
      ...Array.from({ length: 10 }, (_, n) => say('eve', 'experienced', `c/${n}`, '06-10T00:00:00')), say('eve', 'experienced', 'c/1', '06-28T00:00:00'),
      say('fay', 'experienced', 'c/1', '06-29T00:00:00'),
    ]);
    t.strictSame((await rows('risk', 'learners_at_risk', 'learner, reasons, risk, days_inactive, average_score, open_enrolments, failing_activities', '2026-06-30 00:00:00')).map((row) => row.map(rounded)), [
      [agent('dee'), ['low-scores', 'failing'], 2, 0, 0.3, 0, 2],
      [agent('ann'), ['inactive'], 1, 20, null, 1, 0],
      [agent('cid'), ['not-started'], 1, 7, null, 1, 0],
      [agent('eve'), ['falling-activity'], 1, 2, null, 0, 0],
    ]);
  });

  t.test('a score that no scale holds is none', async (t) => {
    const scored = (who: string, score: NonNullable<Statement['result']>['score']): Statement => say(who, 'answered', 'x', '06-01T00:00:00', { result: { score } });
    await insert('extremes', [
      scored('ann', { scaled: 0.5 }), scored('bob', { raw: -1.5e308, max: 1e-5 }), scored('cid', { raw: 1e308, min: -1e308, max: 1.5e308 }), scored('dee', { raw: -3e9, max: 1 }), scored('eve', { raw: -5, max: 10 }),
    ]);
    // Cid's: 2e308 of 2.5e308 are 0.8. Eve's: -0.5. Bob's and Dee's lie below -1.
    t.strictSame((await rows('extremes', 'scores', 'scores, average, lowest, highest')).map(rounded), [[3, 0.266667, -0.5, 0.8]]);
    t.strictSame((await rows('extremes', 'key_figures', 'average_score')).map(rounded), [[0.266667]]);
    t.strictSame(await rows('extremes', 'score_distribution', 'from_score, scores'), [[-0.5, 1], [0.5, 1], [0.8, 1]]);
    t.strictSame(await rows('extremes', 'latest_state', 'learner, last_score').then((found) => found.find(([who]) => who === agent('bob'))), [agent('bob'), null]);
  });

  t.test('who grades is not at risk for the grades', async (t) => {
    const grade = (n: number): Statement => ({
      ...say('grader', 'https://w3id.org/xapi/acrossx/verbs/evaluated', 'x', `06-29T0${n}:00:00`, { result: { success: false, score: { scaled: 0.1 } } }), object: { objectType: 'StatementRef', id: statementId(8000 + n) },
    });
    await insert('graders', [grade(1), grade(2), grade(3)]);
    t.strictSame(await rows('graders', 'learners_at_risk', '*', '2026-06-30 00:00:00'), []);
    t.strictSame(await rows('graders', 'learners', 'statements, average_score'), [[3, null]]);
  });

  t.test('who enrols again', async (t) => {
    const left = 'http://id.tincanapi.com/verb/unregistered';
    await insert('again', [
      // Ann comes back and does nothing more; Bob has left; Cid enrolled a month after his last work; Dee's course was due anew.
      say('ann', 'registered', 'c', '01-01T00:00:00'), say('ann', left, 'c', '01-10T00:00:00'), say('ann', 'registered', 'c', '02-01T00:00:00'),
      say('bob', 'registered', 'c', '01-01T00:00:00'), say('bob', left, 'c', '01-10T00:00:00'),
      say('cid', 'experienced', 'b', '05-01T00:00:00'), say('cid', 'registered', 'c', '06-01T00:00:00'),
      { ...say('dee', 'completed', 'c', ''), timestamp: '2025-06-01T00:00:00Z' }, say('dee', 'registered', 'c', '01-01T00:00:00'), say('dee', 'completed', 'c', '01-03T00:00:00'),
      { ...say('eve', 'registered', 'c', ''), timestamp: '1965-01-01T00:00:00Z' }, { ...say('eve', 'completed', 'c', ''), timestamp: '1965-04-11T00:00:00Z' },
    ]);
    t.strictSame(await rows('again', 'learners_at_risk', 'learner, reasons, open_enrolments', '2026-06-30 00:00:00'), [
      [agent('ann'), ['inactive', 'not-started'], 1], [agent('cid'), ['inactive', 'not-started'], 1],
    ]);
    // Days from enrolment to completion: Dee 2, Eve 100. Bob has left and is away.
    t.strictSame(await rows('again', 'enrolments_and_completions', 'enrolled, left, completed, median_days'), [[5, 1, 2, 51]]);
  });

  t.test('names, kinds and assessments that one statement alone gives', async (t) => {
    const bare = (statement: Statement): Statement => ({ ...statement, object: { id: (statement.object as { id: string }).id } });
    const answer = (who: string, question: string, at: string, success: boolean, parent?: string): Statement => say(who, 'answered', question, at, { question: true, result: { success }, ...(parent ? { parent } : {}) });
    const learners = ['ann', 'bob', 'cid', 'dee'];
    await insert('names', learners.flatMap((who, n) => [
      bare(answer(who, 'q', '06-01T08:00:00', true)), bare(answer(who, 'q', '06-01T08:00:01', true)), ...(n === 2 ? [answer(who, 'q', '06-01T08:00:02', true, 'quiz')] : []),
      answer(who, 'alone-1', '06-02T08:00:00', n > 1), answer(who, 'alone-2', '06-02T08:00:00', n > 1),
    ]));
    t.strictSame(await rows('names', 'latest_state', 'learner, name').then((found) => found.filter(([who, name]) => who === agent('cid') && name === 'q').length), 1);
    // Two questions outside of any assessment say nothing of each other.
    t.strictSame(await rows('names', 'question_attempts', 'question, interaction_type, assessment, discrimination'), [
      [id('q'), 'choice', id('quiz'), null], [id('alone-1'), 'choice', '', null], [id('alone-2'), 'choice', '', null],
    ]);
  });

  t.test('the length of a video, and what is no number', async (t) => {
    const watch = (film: string, who: string, verb: string, segments: string | undefined, length: string | number | undefined, session: string): Statement => say(who, verb, film, '06-01T08:00:00', {
      ...(segments === undefined ? {} : { result: { extensions: { [`${video}extensions/played-segments`]: segments } } }),
      context: { extensions: { ...(length === undefined ? {} : { [`${video}extensions/length`]: length }), [`${video}extensions/session-id`]: session } },
    });
    const paused = `${video}verbs/paused`;
    await insert('odd_films', [
      watch('given', 'ann', paused, '0[.]50', 100, 's1'), watch('given', 'bob', paused, '0[.]200', undefined, 's2'),
      watch('initialized', 'ann', `${adl}initialized`, undefined, 100, 's3'), watch('initialized', 'ann', paused, '0[.]10', undefined, 's3'), watch('initialized', 'bob', `${adl}initialized`, undefined, 100, 's4'),
      watch('infinite', 'ann', paused, '0[.]100', 100, 's5'), watch('infinite', 'bob', paused, '0[.]100', 'inf', 's6'), watch('infinite', 'cid', paused, '0[.]inf[,]0[.]10', 'nan', 's7'),
    ]);
    const last = (film: string): Promise<unknown[] | undefined> => rows('odd_films', 'video_segments', 'video, percent, to_second, viewers, watched').then((found) => found.filter(([one, percent]) => one === id(film) && percent === 49).map((row) => row.slice(2))[0]);
    t.strictSame(await last('given'), [50, 2, 2], 'the longest that was given, whatever was played');
    t.strictSame(await last('initialized'), [50, 1, 0], 'also where nothing is played yet');
    t.strictSame(await last('infinite'), [50, 3, 2]);
  });

  t.test('hours of years far away, by clocks of all kinds', async (t) => {
    const at = (timestamp: string): Statement => ({ ...say('ann', 'experienced', 'p', ''), timestamp });
    await insert('far', [at('1950-03-04T05:06:00Z'), at('1969-12-31T23:30:00Z'), at('2026-07-01T00:10:00Z'), at('2106-02-07T07:00:00Z'), at('2250-01-01T00:59:59.999Z')]);
    t.strictSame(await rows('far', 'activity_per_hour', 'toString(hour)'), [['1950-03-04 05:00:00'], ['1969-12-31 23:00:00'], ['2026-07-01 00:00:00'], ['2106-02-07 07:00:00'], ['2250-01-01 00:00:00']]);
    const view = views.get('activity_per_hour')!;
    const found = await engine!.client.query({ query: `SELECT toString(hour) FROM (${renderView(view, { statements: 'quipu_far.statements', timezone: "'Australia/Lord_Howe'", now: 'now64(3)' })}) ORDER BY hour`, format: 'JSONCompactEachRow' });
    // On 1 July its clock is 10 hours and a half ahead: 10:40, of the hour that began at 10:00.
    t.strictSame((await found.json<unknown[]>())[2], ['2026-06-30 23:30:00']);
  });

  t.test('a voided statement counts nowhere', async (t) => {
    await insert('void', [{ ...say('ann', 'completed', 'c', '06-01T00:00:00'), id: statementId(9001) }]);
    t.strictSame(await rows('void', 'activities', 'activity, completed'), [[id('c'), 1]]);
    await insert('void', [{ ...say('admin', 'voided', 'c', '06-02T00:00:00'), object: { objectType: 'StatementRef', id: statementId(9001) } }]);
    t.strictSame(await rows('void', 'activities', 'activity'), []);
  });
});

t.teardown(() => engine?.close());
