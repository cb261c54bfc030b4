-- One row for each learner and activity that the learner enrolled in, left or completed.
SELECT
  actor_key,
  object_key,
  any(object_id) AS id,
  max(object_name) AS label,
  countIf(verb IN ({verbs.enrolled})) AS enrolments,
  countIf(verb IN ({verbs.completed})) AS completions,
  minIf(timestamp, verb IN ({verbs.enrolled})) AS first_enrolled,
  enrolments > 0 AND maxIf({moment}, verb IN ({verbs.left})) > maxIf({moment}, verb IN ({verbs.enrolled})) AS has_left,
  arrayFilter(completed -> completed >= first_enrolled, groupUniqArrayIf(timestamp, verb IN ({verbs.completed}))) AS completed_since,
  if(enrolments > 0 AND notEmpty(completed_since), dateDiff('second', first_enrolled, arrayMin(completed_since)) / 86400, NULL) AS days
FROM {database}.statements
WHERE verb IN ({verbs.enrolled}, {verbs.left}, {verbs.completed}) AND actor_type = 'Agent' AND object_type = 'Activity'
GROUP BY actor_key, object_key
