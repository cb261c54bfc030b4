-- One row for each actor and day.
SELECT
  actor_key,
  actor_type,
  toDate32(timestamp, {timezone}) AS day,
  count() AS times,
  groupUniqArrayIf(object_key, object_type = 'Activity') AS met
FROM {database}.statements
GROUP BY actor_key, actor_type, day
