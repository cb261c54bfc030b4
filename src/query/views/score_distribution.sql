-- Counts, for each activity with scores, how many scores and learners fall into each tenth of the scale.
-- activity: id of the activity
-- name: a name that a statement gave
-- from_score: lower bound of the tenth, scores equal to it counted
-- to_score: upper bound, scores equal to it not counted except in the highest tenth
-- scores: statements of learners with a score in it
-- learners: different learners with a score in it
-- order: activity, from_score
SELECT
  any(id) AS activity,
  max(label) AS name,
  bucket / 10 AS from_score,
  (bucket + 1) / 10 AS to_score,
  sum(times) AS scores,
  count() AS learners
FROM (
  SELECT object_key, id, label, tenth.1 AS bucket, tenth.2 AS times
  FROM (SELECT object_key, id, label, arrayMap(value -> least(9, toInt32(floor(round(value * 10, 9)))), values) AS tenths FROM {by_learner.scores})
  ARRAY JOIN arrayMap(tenth -> (tenth, arrayCount(other -> other = tenth, tenths)), arrayDistinct(tenths)) AS tenth
)
GROUP BY object_key, bucket
