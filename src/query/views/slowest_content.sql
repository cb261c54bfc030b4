-- Takes, for each activity, how long learners took by the durations that statements report, slowest first.
-- activity: id of the activity
-- name: a name that a statement gave
-- learners: different learners with a duration
-- durations: statements with a duration
-- median_seconds: median over learners of each learner's longest duration
-- p90_seconds: nine of ten learners took at most this long
-- longest_seconds: the longest duration
-- order: median_seconds DESC, activity
WITH reports AS (
  SELECT actor_key, object_key, object_id, object_name, assumeNotNull(duration) AS seconds
  FROM {database}.statements
  WHERE duration IS NOT NULL AND object_type = 'Activity' AND actor_type = 'Agent'
)
SELECT activity, name, learners, durations, median_seconds, p90_seconds, longest_seconds
FROM (
  SELECT
    object_key,
    count() AS learners,
    sum(reported) AS durations,
    quantileExactInclusive(0.5)(longest) AS median_seconds,
    quantileExactInclusive(0.9)(longest) AS p90_seconds,
    max(longest) AS longest_seconds
  FROM (SELECT object_key, count() AS reported, max(seconds) AS longest FROM reports GROUP BY actor_key, object_key)
  GROUP BY object_key
) AS times
ANY LEFT JOIN (SELECT object_key, any(object_id) AS activity, max(object_name) AS name FROM reports GROUP BY object_key) AS named USING object_key
