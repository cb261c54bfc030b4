-- One row for each actor.
SELECT
  actor_key,
  actor_type,
  count() AS times,
  groupUniqArrayIf(object_key, object_type = 'Activity') AS met,
  if(actor_type = 'Agent', uniqExactIf(object_key, verb IN ({verbs.completed}) AND object_type = 'Activity'), 0) AS completed,
  count({score}) AS scores,
  sum(ifNull({score}, 0)) AS score_sum,
  min(timestamp) AS first_seen,
  max(timestamp) AS last_seen
FROM {database}.statements
GROUP BY actor_key, actor_type
