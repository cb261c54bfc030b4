-- Counts, for each activity that learners enrolled in or completed, the learners enrolled, those who left again, and those who completed it, each learner once.
-- activity: id of the activity
-- name: a name that a statement gave
-- enrolled: learners who enrolled at least once
-- left: learners whose last enrolment was taken back or abandoned later
-- completed: learners who completed it, enrolled or not
-- completed_share: share of the enrolled who completed it, from 0 to 1
-- median_days: median of the days from a learner's first enrolment to the first completion after it
-- order: enrolled DESC, completed DESC, activity
SELECT
  any(id) AS activity,
  max(label) AS name,
  countIf(enrolments > 0) AS enrolled,
  countIf(has_left) AS left,
  countIf(completions > 0) AS completed,
  if(enrolled > 0, countIf(enrolments > 0 AND completions > 0) / enrolled, NULL) AS completed_share,
  quantileExactInclusive(0.5)(days) AS median_days
FROM {by_learner.enrolments_and_completions}
GROUP BY object_key
HAVING enrolled > 0 OR completed > 0
