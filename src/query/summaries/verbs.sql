-- One row for each actor and verb.
SELECT
  actor_key,
  actor_type,
  verb,
  count() AS times,
  groupUniqArrayIf(object_key, object_type = 'Activity') AS met,
  min(timestamp) AS first_used,
  max(timestamp) AS last_used
FROM {database}.statements
GROUP BY actor_key, actor_type, verb
