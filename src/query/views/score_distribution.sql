-- Counts, for each activity with scores, how many scores and learners fall into each tenth of the scale.
-- activity: id of the activity
-- name: a name that a statement gave
-- from_score: lower bound of the tenth, scores equal to it counted
-- to_score: upper bound, scores equal to it not counted except in the highest tenth
-- scores: statements with a score in it
-- learners: different learners with a score in it
-- order: activity, from_score
SELECT
  any(object_id) AS activity,
  anyIf(object_name, object_name != '') AS name,
  bucket / 10 AS from_score,
  (bucket + 1) / 10 AS to_score,
  count() AS scores,
  uniqExact(actor_key) AS learners
FROM {database}.statements
WHERE {score} IS NOT NULL AND object_type = 'Activity' AND actor_type = 'Agent'
GROUP BY object_key, least(9, toInt32(floor(round(assumeNotNull({score}) * 10, 9)))) AS bucket
