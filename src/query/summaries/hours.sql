-- One row for each actor and hour.
SELECT
  actor_key,
  actor_type,
  toStartOfHour(timestamp, {timezone}) AS hour,
  count() AS times
FROM {database}.statements
GROUP BY actor_key, actor_type, hour
