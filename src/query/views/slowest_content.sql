-- Takes, for each activity, how long learners took by the durations that statements report, slowest first.
-- activity: id of the activity
-- name: a name that a statement gave
-- learners: different learners with a duration
-- durations: statements with a duration
-- median_seconds: median over learners of each learner's longest duration
-- p90_seconds: nine of ten learners took at most this long
-- longest_seconds: the longest duration
-- order: median_seconds DESC, activity
SELECT
  any(id) AS activity,
  max(label) AS name,
  count() AS learners,
  sum(reported) AS durations,
  quantileExactInclusive(0.5)(longest) AS median_seconds,
  quantileExactInclusive(0.9)(longest) AS p90_seconds,
  max(longest) AS longest_seconds
FROM {by_learner.slowest_content}
GROUP BY object_key
