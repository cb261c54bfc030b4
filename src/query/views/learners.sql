-- Counts, for each learner, statements, days with activity, activities met and completed, and averages the scores.
-- learner: identifier of the learner
-- name: the last name that a statement gave
-- first_seen: timestamp of the learner's earliest statement
-- last_seen: timestamp of the learner's latest statement
-- statements: statements of the learner
-- active_days: days in the time zone asked for with at least one statement
-- activities: different activities that were the object
-- completed: different activities that the learner completed
-- average_score: mean of all scores, scaled to 1
-- order: last_seen DESC, learner
SELECT
  any(actor_id) AS learner,
  argMaxIf(actor_name, timestamp, actor_name != '') AS name,
  min(timestamp) AS first_seen,
  max(timestamp) AS last_seen,
  count() AS statements,
  uniqExact(toDate32(timestamp, {timezone})) AS active_days,
  uniqExactIf(object_key, object_type = 'Activity') AS activities,
  uniqExactIf(object_key, verb IN ({verbs.completed}) AND object_type = 'Activity') AS completed,
  avg({score}) AS average_score
FROM {database}.statements
WHERE actor_type = 'Agent'
GROUP BY actor_key
