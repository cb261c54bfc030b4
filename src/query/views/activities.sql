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
  any(object_id) AS activity,
  anyIf(object_name, object_name != '') AS name,
  anyIf(activity_type, activity_type != '') AS type,
  count() AS statements,
  uniqExactIf(actor_key, actor_type = 'Agent') AS learners,
  uniqExactIf(actor_key, verb IN ({verbs.completed}) AND actor_type = 'Agent') AS completed,
  avg({score}) AS average_score,
  min(timestamp) AS first_used,
  max(timestamp) AS last_used
FROM {database}.statements
WHERE object_type = 'Activity'
GROUP BY object_key
