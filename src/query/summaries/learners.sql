-- One row for each learner.
SELECT
  actor_key,
  any(actor_id) AS learner,
  argMaxIf(actor_name, timestamp, actor_name != '') AS name,
  min(timestamp) AS first_seen,
  max(timestamp) AS last_seen,
  count() AS statements,
  uniqExact(toDate32(timestamp, {timezone})) AS active_days,
  uniqExactIf(object_key, object_type = 'Activity') AS activities,
  uniqExactIf(object_key, verb IN ({verbs.completed}) AND object_type = 'Activity') AS completed,
  avgIf({score}, object_type = 'Activity') AS average_score
FROM {database}.statements
WHERE actor_type = 'Agent'
GROUP BY actor_key
