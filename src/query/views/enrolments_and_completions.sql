-- Counts, for each activity that learners enrolled in or completed, the learners enrolled, those who left again, and those who completed it, each learner once.
-- activity: id of the activity
-- name: a name that a statement gave
-- enrolled: learners who enrolled at least once
-- left: learners whose last enrolment was taken back or abandoned later
-- completed: learners who completed it, enrolled or not
-- completed_share: share of the enrolled who completed it, from 0 to 1
-- median_days: median of the days from a learner's first enrolment to the first completion after it
-- order: enrolled DESC, completed DESC, activity
WITH steps AS (
  SELECT actor_key, object_key, object_id, object_name, verb, timestamp
  FROM {database}.statements
  WHERE verb IN ({verbs.enrolled}, {verbs.left}, {verbs.completed}) AND actor_type = 'Agent' AND object_type = 'Activity'
)
SELECT activity, name, enrolled, left, completed, completed_share, median_days
FROM (
  SELECT
    object_key,
    countIf(enrolments > 0) AS enrolled,
    countIf(enrolments > 0 AND last_left > last_enrolled) AS left,
    countIf(completions > 0) AS completed,
    if(enrolled > 0, countIf(enrolments > 0 AND completions > 0) / enrolled, NULL) AS completed_share,
    quantileExactIf(0.5)(toNullable(dateDiff('second', first_enrolled, first_completed) / 86400), enrolments > 0 AND completions > 0 AND first_completed >= first_enrolled) AS median_days
  FROM (
    SELECT
      object_key,
      countIf(verb IN ({verbs.enrolled})) AS enrolments,
      countIf(verb IN ({verbs.completed})) AS completions,
      minIf(timestamp, verb IN ({verbs.enrolled})) AS first_enrolled,
      maxIf(timestamp, verb IN ({verbs.enrolled})) AS last_enrolled,
      maxIf(timestamp, verb IN ({verbs.left})) AS last_left,
      minIf(timestamp, verb IN ({verbs.completed})) AS first_completed
    FROM steps
    GROUP BY actor_key, object_key
  )
  GROUP BY object_key
  HAVING enrolled > 0 OR completed > 0
) AS counts
ANY LEFT JOIN (SELECT object_key, any(object_id) AS activity, max(object_name) AS name FROM steps GROUP BY object_key) AS named USING object_key
