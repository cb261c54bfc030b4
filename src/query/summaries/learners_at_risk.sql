-- One row for each learner, with what does not depend on the present.
SELECT
  actor_key,
  any(actor_id) AS learner,
  argMaxIf(actor_name, timestamp, actor_name != '') AS name,
  max(timestamp) AS last_seen,
  groupUniqArrayIf(object_key, verb IN ({verbs.enrolled})) AS enrolled,
  groupUniqArrayIf(object_key, verb IN ({verbs.completed}, {verbs.left})) AS closed,
  length(enrolled) AS enrolments,
  arrayCount(activity -> NOT has(closed, activity), enrolled) AS open_enrolments,
  minIf(timestamp, verb IN ({verbs.enrolled})) AS first_enrolled,
  countIf(verb NOT IN ({verbs.enrolled})) AS other_statements,
  count({score}) AS scores,
  avg({score}) AS average_score,
  groupUniqArrayIf(object_key, success = false OR (success IS NULL AND verb IN ({verbs.failed}))) AS failed,
  groupUniqArrayIf(object_key, success = true OR (success IS NULL AND verb IN ({verbs.passed}))) AS passed,
  arrayCount(activity -> NOT has(passed, activity), failed) AS failing_activities
FROM {database}.statements
WHERE actor_type = 'Agent'
GROUP BY actor_key
