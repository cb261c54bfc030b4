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
WITH judgements AS (
  SELECT actor_key, object_key, object_id, object_name, {succeeded} AS is_success
  FROM {database}.statements
  WHERE (success IS NOT NULL OR verb IN ({verbs.passed}, {verbs.failed})) AND object_type = 'Activity' AND actor_type = 'Agent'
)
SELECT activity, name, judged, failures, failure_share, learners, failed_learners, never_succeeded
FROM (
  SELECT
    object_key,
    sum(successes + fails) AS judged,
    sum(fails) AS failures,
    failures / judged AS failure_share,
    count() AS learners,
    countIf(fails > 0) AS failed_learners,
    countIf(fails > 0 AND successes = 0) AS never_succeeded
  FROM (SELECT object_key, countIf(is_success) AS successes, countIf(NOT is_success) AS fails FROM judgements GROUP BY actor_key, object_key)
  GROUP BY object_key
  HAVING failures > 0
) AS counts
ANY LEFT JOIN (SELECT object_key, any(object_id) AS activity, max(object_name) AS name FROM judgements GROUP BY object_key) AS named USING object_key
