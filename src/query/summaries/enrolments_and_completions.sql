-- One row for each learner and activity that the learner enrolled in, left or completed.
SELECT
  actor_key,
  object_key,
  any(object_id) AS id,
  max(object_name) AS label,
  countIf(verb IN ({verbs.enrolled})) AS enrolments,
  countIf(verb IN ({verbs.completed})) AS completions,
  minIf(timestamp, verb IN ({verbs.enrolled})) AS first_enrolled,
  maxIf(timestamp, verb IN ({verbs.enrolled})) AS last_enrolled,
  maxIf(timestamp, verb IN ({verbs.left})) AS last_left,
  minIf(timestamp, verb IN ({verbs.completed})) AS first_completed
FROM {database}.statements
WHERE verb IN ({verbs.enrolled}, {verbs.left}, {verbs.completed}) AND actor_type = 'Agent' AND object_type = 'Activity'
GROUP BY actor_key, object_key
