-- One row for each learner and question.
SELECT
  actor_key,
  object_key,
  any(object_id) AS id,
  max(object_name) AS label
FROM {database}.statements
WHERE {answered} AND actor_type = 'Agent'
GROUP BY actor_key, object_key
