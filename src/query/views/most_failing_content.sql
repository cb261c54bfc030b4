-- Counts, for each activity whose success was judged, the failures and the learners who failed, most failures first.
-- activity: id of the activity
-- name: a name that a statement gave
-- judged: statements that say success or failure, by result or by the verbs passed and failed
-- failures: those that say failure
-- failure_share: failures divided by judged
-- learners: different learners judged
-- failed_learners: learners who failed at least once
-- never_succeeded: learners who failed and have not succeeded at any time
-- order: failures DESC, failure_share DESC, activity
SELECT
  any(id) AS activity,
  max(label) AS name,
  sum(successes + fails) AS judged,
  sum(fails) AS failures,
  failures / judged AS failure_share,
  count() AS learners,
  countIf(fails > 0) AS failed_learners,
  countIf(fails > 0 AND successes = 0) AS never_succeeded
FROM {by_learner.most_failing_content}
GROUP BY object_key
HAVING failures > 0
