-- One row for each learner and activity with a duration.
SELECT
  actor_key,
  object_key,
  any(object_id) AS id,
  max(object_name) AS label,
  count() AS reported,
  max(assumeNotNull(duration)) AS longest
FROM {database}.statements
WHERE duration IS NOT NULL AND object_type = 'Activity' AND actor_type = 'Agent'
GROUP BY actor_key, object_key
