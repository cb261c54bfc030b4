-- Counts, for each activity with scores, the scores and the learners, and gives mean, median, spread and extremes, scaled to 1.
-- activity: id of the activity
-- name: a name that a statement gave
-- scores: statements with a score
-- learners: different learners with a score
-- average: mean of the scores
-- median: median of the scores
-- deviation: standard deviation of the scores, as of a whole population
-- lowest: lowest score
-- highest: highest score
-- order: scores DESC, activity
SELECT
  any(object_id) AS activity,
  anyIf(object_name, object_name != '') AS name,
  count() AS scores,
  uniqExact(actor_key) AS learners,
  avg(assumeNotNull({score})) AS average,
  quantileExactInclusive(0.5)(assumeNotNull({score})) AS median,
  stddevPop(assumeNotNull({score})) AS deviation,
  min(assumeNotNull({score})) AS lowest,
  max(assumeNotNull({score})) AS highest
FROM {database}.statements
WHERE {score} IS NOT NULL AND object_type = 'Activity' AND actor_type = 'Agent'
GROUP BY object_key
