-- One row for each learner and activity in which the learner was judged.
SELECT
  actor_key,
  object_key,
  any(object_id) AS id,
  max(object_name) AS label,
  countIf({succeeded}) AS successes,
  countIf(NOT {succeeded}) AS fails
FROM {database}.statements
WHERE (success IS NOT NULL OR verb IN ({verbs.passed}, {verbs.failed})) AND object_type = 'Activity' AND actor_type = 'Agent'
GROUP BY actor_key, object_key
