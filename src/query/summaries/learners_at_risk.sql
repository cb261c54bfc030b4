-- One row for each learner, with what does not depend on the present.
SELECT
  actor_key,
  any(actor_id) AS learner,
  argMaxIf(actor_name, timestamp, actor_name != '') AS name,
  max(timestamp) AS last_seen,
  maxMapIf([object_key], [{moment}], object_type = 'Activity' AND verb IN ({verbs.enrolled})) AS enrolled_at,
  maxMapIf([object_key], [{moment}], object_type = 'Activity' AND verb IN ({verbs.left})) AS left_at,
  groupUniqArrayIf(object_key, object_type = 'Activity' AND verb IN ({verbs.completed})) AS completed,
  length(enrolled_at.1) AS enrolments,
  arrayCount((activity, moment) -> NOT has(completed, activity) AND left_at.2[indexOf(left_at.1, activity)] <= moment, enrolled_at.1, enrolled_at.2) AS open_enrolments,
  maxIf({moment}, verb NOT IN ({verbs.enrolled})) AS last_other,
  arrayMin(arrayFilter(moment -> moment > last_other, enrolled_at.2)) AS waits_since,
  countIf(object_type = 'Activity' AND {score} IS NOT NULL) AS scores,
  avgIf({score}, object_type = 'Activity') AS average_score,
  groupUniqArrayIf(object_key, object_type = 'Activity' AND (success = false OR (success IS NULL AND verb IN ({verbs.failed})))) AS failed,
  groupUniqArrayIf(object_key, object_type = 'Activity' AND (success = true OR (success IS NULL AND verb IN ({verbs.passed})))) AS passed,
  arrayCount(activity -> NOT has(passed, activity), failed) AS failing_activities
FROM {database}.statements
WHERE actor_type = 'Agent'
GROUP BY actor_key
