-- Shows, for each learner and activity, where the learner stands: the last statement, and the last success, score and progress that any statement gave.
-- learner: identifier of the learner
-- activity: id of the activity
-- name: a name of the activity that a statement gave
-- last_verb: verb of the last statement
-- last_seen: timestamp of the last statement
-- statements: statements of the learner about it
-- completed: whether the learner completed it at any time
-- success: the last success or failure, by result or by the verbs passed and failed; empty where never judged
-- last_score: the last score, scaled to 1
-- best_score: the best score, scaled to 1
-- progress: the last progress in percent
-- order: last_seen DESC, learner, activity
SELECT
  any(actor_id) AS learner,
  any(object_id) AS activity,
  any(object_name) AS name,
  argMax(verb, {order}) AS last_verb,
  max(timestamp) AS last_seen,
  count() AS statements,
  toBool(max(verb IN ({verbs.completed}) OR ifNull(completion, false))) AS completed,
  argMaxIf(toNullable({succeeded}), {order}, success IS NOT NULL OR verb IN ({verbs.passed}, {verbs.failed})) AS success,
  argMax({score}, {order}) AS last_score,
  max({score}) AS best_score,
  argMax(progress, {order}) AS progress
FROM {database}.statements
WHERE actor_type = 'Agent' AND object_type = 'Activity'
GROUP BY actor_key, object_key
