-- One row for each learner and activity with a score.
SELECT
  actor_key,
  object_key,
  any(object_id) AS id,
  max(object_name) AS label,
  groupArray(assumeNotNull({score})) AS values
FROM {database}.statements
WHERE {score} IS NOT NULL AND object_type = 'Activity' AND actor_type = 'Agent'
GROUP BY actor_key, object_key
