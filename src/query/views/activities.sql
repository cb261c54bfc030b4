-- Counts, for each activity that is the object of statements, statements, different learners and learners who completed it, and averages the scores.
-- activity: id of the activity
-- name: a name that a statement gave
-- type: IRI of its type
-- statements: statements about it
-- learners: different learners with a statement about it
-- completed: different learners who completed it
-- average_score: mean of all scores, scaled to 1
-- first_used: timestamp of the earliest statement
-- last_used: timestamp of the latest statement
-- order: learners DESC, statements DESC, activity
SELECT
  any(activity) AS activity,
  anyIf(label, label != '') AS name,
  anyIf(kind, kind != '') AS type,
  sum(by_learner.statements) AS statements,
  countIf(actor_type = 'Agent') AS learners,
  countIf(has_completed AND actor_type = 'Agent') AS completed,
  sum(score_sum) / nullIf(sum(scores), 0) AS average_score,
  min(first_used) AS first_used,
  max(last_used) AS last_used
FROM {by_learner.activities} AS by_learner
GROUP BY object_key
