-- One row for each actor and activity.
SELECT
  actor_key,
  actor_type,
  object_key,
  any(object_id) AS activity,
  anyIf(object_name, object_name != '') AS label,
  anyIf(activity_type, activity_type != '') AS kind,
  count() AS statements,
  max(verb IN ({verbs.completed})) AS has_completed,
  count({score}) AS scores,
  sum(ifNull({score}, 0)) AS score_sum,
  min(timestamp) AS first_used,
  max(timestamp) AS last_used
FROM {database}.statements
WHERE object_type = 'Activity'
GROUP BY actor_key, actor_type, object_key
