-- One row for each learner and activity.
SELECT
  actor_key,
  any(actor_id) AS learner,
  any(object_id) AS activity,
  anyIf(object_name, object_name != '') AS name,
  argMax(verb, {order}) AS last_verb,
  max(timestamp) AS last_seen,
  count() AS statements,
  toBool(max(verb IN ({verbs.completed}) OR ifNull(completion, false))) AS completed,
  argMaxIf(toNullable({succeeded}), {order}, success IS NOT NULL OR verb IN ({verbs.passed}, {verbs.failed})) AS success,
  argMax({score}, {order}) AS last_score,
  max({score}) AS best_score,
  argMaxIf(progress, {order}, isFinite(progress)) AS progress
FROM {database}.statements
WHERE actor_type = 'Agent' AND object_type = 'Activity'
GROUP BY actor_key, object_key
