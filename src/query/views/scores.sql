-- Counts, for each activity with scores, the scores and the learners, and gives mean, median, spread and extremes, scaled to 1.
-- activity: id of the activity
-- name: a name that a statement gave
-- scores: statements of learners with a score
-- learners: different learners with a score
-- average: mean of the scores
-- median: median of the scores
-- deviation: standard deviation of the scores, as of a whole population
-- lowest: lowest score
-- highest: highest score
-- order: scores DESC, activity
SELECT
  any(id) AS activity,
  max(label) AS name,
  sum(length(values)) AS scores,
  count() AS learners,
  avgArray(values) AS average,
  quantileExactInclusiveArray(0.5)(values) AS median,
  stddevPopArray(values) AS deviation,
  minArray(values) AS lowest,
  maxArray(values) AS highest
FROM {by_learner.scores}
GROUP BY object_key
