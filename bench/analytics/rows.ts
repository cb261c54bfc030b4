/**
 * SQL that makes rows of `quipu.statement_log` in the engine itself, without statements: what a platform with some hundred
 * courses of forty parts would have stored in a year. A row is a function of its number, so that a table that was cut short is
 * filled on. Twelve rows stand for one stay of one learner in one course; arrival follows time; learners come and go, a few are
 * there far more often (Zipf), courses are as popular as 1, 1/2, 1/3 …; videos tell their parts watched, questions their
 * answers; one row of 10,000 voids another. What the views don't read is left empty: the text and the JSON of the statement.
 */

/** Moment that counts as the present for these rows: a little after the last of them. */
export const present = Date.UTC(2026, 5, 1);
const yearMs = 365 * 86_400_000;

/** Different learners and courses of so many rows. */
export function population(rows: number): { learners: number; courses: number } {
  return { learners: Math.max(50, Math.round(rows / 200)), courses: Math.max(4, Math.round(Math.sqrt(rows / 1000))) };
}

const adl = 'http://adlnet.gov/expapi/verbs/';
const video = 'https://w3id.org/xapi/video/';

/**
 * @param from number of the first row, from 0
 * @param count how many
 * @param rows how many the table has when it is full
 */
export function insertRows(tenant: string, from: number, count: number, rows: number): string {
  const { learners, courses } = population(rows);
  const unit = (...terms: (string | number)[]): string => `(cityHash64(${terms.join(', ')}) % 1000003 / 1000003)`;
  return `INSERT INTO quipu.statement_log (
  tenant, position, id, stored, timestamp, version, actor_id, actor_name, actor_type, verb, verb_name, object_type, object_id, object_name, activity_type, target, voids,
  parents, groupings, categories, registration, platform, language, authority_id, success, completion, score_scaled, score_raw, score_min, score_max, duration, response,
  interaction_type, result_extensions, context_extensions
)
WITH
  number AS n, intDiv(n, 12) AS stay, n % 12 AS step, n % 10000 = 9999 AS is_voiding,
  stay * 12 / ${rows} AS year,
  -- Who: mostly a learner of these months, else one of all, the first ones far more often.
  toUInt64(least(${learners - 1}, ${learners} * if(${unit('stay', 1)} < 0.8, 0.75 * year + 0.25 * ${unit('stay', 2)}, pow(${unit('stay', 3)}, 2)))) AS learner,
  toUInt64(least(${courses - 1}, pow(${courses}, ${unit('learner', 'stay % 4', 4)}) - 1)) AS course,
  cityHash64(learner, course) AS enrolment,
  -- What: the parts of a course one after another, three rows each.
  (cityHash64(stay, 5) % 40 + intDiv(step, 3)) % 40 AS part,
  step % 3 AS turn,
  if(part = 39, 5, part % 5) AS kind,
  (kind = 5 AND turn = 2) OR (step = 0 AND cityHash64(stay, 6) % 4 = 0) AS of_course,
  step = 0 AND of_course AS enrols,
  ${unit('learner', 7)} AS ability,
  ${unit('n', 8)} AS luck,
  0.35 + 0.4 * ability + 0.25 * ${unit('course', 'part', 9)} > luck AS right,
  toInt64(300 + cityHash64(course, part, 10) % 1500) AS span,
  toInt64(cityHash64(stay, part, 11) % span) AS heard,
  toUnixTimestamp64Milli(toDateTime64('2025-06-01 00:00:00', 3, 'UTC')) + toInt64(year * ${yearMs - 86_400_000}) + toInt64(cityHash64(stay, 12) % 36000000)
    + step * 90000 + toInt64(cityHash64(n, 13) % 60000) + if(step > 6 AND cityHash64(stay, 14) % 3 = 0, 7200000, 0) AS moment,
  concat('https://campus.example.org/courses/', toString(course)) AS course_id,
  concat(course_id, '/parts/', toString(part)) AS part_id,
  multiIf(
    is_voiding, '${adl}voided',
    enrols, '${adl}registered',
    of_course, multiIf(luck < 0.4, '${adl}passed', luck < 0.6, '${adl}failed', '${adl}completed'),
    kind <= 1, ['${adl}initialized', '${adl}progressed', if(luck < 0.7, '${adl}completed', '${adl}terminated')][turn + 1],
    kind = 2, ['${video}verbs/played', if(luck < 0.8, '${video}verbs/paused', '${video}verbs/seeked'), if(luck < 0.5, '${adl}completed', '${adl}terminated')][turn + 1],
    kind = 5, if(right, '${adl}passed', '${adl}failed'),
    '${adl}answered') AS verb_id,
  verb_id IN ('${adl}answered', '${adl}passed', '${adl}failed') AS is_judged,
  is_judged AND (verb_id = '${adl}passed' OR (right AND verb_id = '${adl}answered')) AS succeeded,
  kind = 2 AND NOT of_course AND NOT is_voiding AS of_video
SELECT
  '${tenant}', n + 1, reinterpretAsUUID(sipHash128(n)), fromUnixTimestamp64Milli(moment + 200, 'UTC'), fromUnixTimestamp64Milli(moment, 'UTC'), '1.0.3',
  if(is_voiding, 'mbox:mailto:admin@example.org', concat('account:https://campus.example.org|user', toString(learner))),
  if(is_voiding, 'Administrator', concat('Learner ', toString(learner))), 'Agent',
  verb_id, substring(verb_id, length(verb_id) - position(reverse(verb_id), '/') + 2),
  if(is_voiding, 'StatementRef', 'Activity'),
  multiIf(is_voiding, toString(assumeNotNull(voided)), of_course, course_id, part_id),
  multiIf(is_voiding, '', of_course, concat('Course ', toString(course)), concat('Course ', toString(course), ', part ', toString(part))),
  multiIf(is_voiding, '', of_course, 'http://adlnet.gov/expapi/activities/course', kind = 2, '${video}activity-type/video', kind IN (3, 4), 'http://adlnet.gov/expapi/activities/cmi.interaction', kind = 5, 'http://adlnet.gov/expapi/activities/assessment', 'http://adlnet.gov/expapi/activities/lesson'),
  if(is_voiding, reinterpretAsUUID(sipHash128(n - 5000)), NULL) AS voided, is_voiding,
  if(of_course OR is_voiding, [], [course_id]), ['https://campus.example.org/programmes/1'], if(of_video, ['https://w3id.org/xapi/video'], []),
  if(is_voiding, NULL, reinterpretAsUUID(sipHash128(enrolment))), 'Campus', 'en', 'account:https://campus.example.org|xapi',
  if(is_judged, succeeded, NULL), if(verb_id = '${adl}completed', true, NULL),
  if(is_judged, round(least(1, greatest(0, if(succeeded, 0.5, 0) + luck / 2)), 2) AS score, NULL), if(is_judged, score * 100, NULL), if(is_judged, 0, NULL), if(is_judged, 100, NULL),
  if(is_judged OR turn = 2, 5 + cityHash64(n, 15) % 900, NULL),
  multiIf(verb_id != '${adl}answered', '', part % 10 = 4, toString(cityHash64(n, 16) % 2000 / 10), right, 'a', ['b', 'c', 'd', 'e'][cityHash64(n, 17) % 4 + 1]),
  multiIf(kind NOT IN (3, 4) OR of_course OR is_voiding, '', part % 10 = 4, 'numeric', 'choice'),
  multiIf(
    of_video AND turn > 0, map('${video}extensions/played-segments', concat('0[.]', toString(intDiv(heard, 2)), if(luck < 0.5, concat('[,]', toString(intDiv(heard, 4)), '[.]', toString(heard)), ''))),
    verb_id = '${adl}progressed', map('https://w3id.org/xapi/cmi5/result/extensions/progress', toString(cityHash64(n, 18) % 101)),
    map()),
  if(of_video, map('${video}extensions/length', toString(span), '${video}extensions/session-id', toString(stay)), map())
FROM numbers(${from}, ${count})`;
}
