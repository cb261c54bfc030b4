-- Lists the learners who may need help, each with the reasons: inactive, not-started, low-scores, failing, falling-activity.
-- learner: identifier of the learner
-- name: the last name that a statement gave
-- reasons: inactive (no statement for 14 days, unless the learner completed or left all that was enrolled in), not-started (enrolled 7 days ago or earlier and nothing but enrolments since), low-scores (3 scores about activities or more, mean under 0.5), failing (2 activities or more failed and not passed at any time), falling-activity (in the last 14 days less than half the statements of the 14 days before, which were 10 or more)
-- risk: number of reasons
-- last_seen: timestamp of the learner's latest statement
-- days_inactive: whole days since then
-- average_score: mean of the scores about activities, scaled to 1
-- open_enrolments: activities enrolled in, never completed, and not left since
-- failing_activities: activities failed and not passed at any time
-- order: risk DESC, last_seen, learner
SELECT
  learner, name,
  arrayFilter(reason -> reason != '', [
    if(days_inactive >= 14 AND (enrolments = 0 OR open_enrolments > 0), 'inactive', ''),
    if(waits_since > 0 AND waits_since <= toUnixTimestamp64Milli({now}) + 2208988800000 - 7 * 86400000, 'not-started', ''),
    if(scores >= 3 AND average_score < 0.5, 'low-scores', ''),
    if(failing_activities >= 2, 'failing', ''),
    if(previous >= 10 AND recent * 2 < previous, 'falling-activity', '')
  ]) AS reasons,
  length(reasons) AS risk,
  last_seen,
  greatest(0, intDiv(dateDiff('second', last_seen, {now}), 86400)) AS days_inactive,
  average_score, open_enrolments, failing_activities
FROM {by_learner.learners_at_risk} AS learners
LEFT JOIN (
  SELECT
    actor_key,
    countIf(timestamp > {now} - toIntervalDay(14)) AS recent,
    count() - recent AS previous
  FROM {database}.statements
  WHERE actor_type = 'Agent' AND timestamp > {now} - toIntervalDay(28) AND timestamp <= {now}
  GROUP BY actor_key
) AS activity USING actor_key
WHERE risk > 0
