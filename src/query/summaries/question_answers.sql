-- One row for each learner, question and answer.
SELECT
  actor_key,
  object_key,
  cityHash64(response) AS response_key,
  any(response) AS answer,
  count() AS times,
  countIf(success = true) AS right_times
FROM {database}.statements
WHERE {answered} AND actor_type = 'Agent'
GROUP BY actor_key, object_key, response_key
