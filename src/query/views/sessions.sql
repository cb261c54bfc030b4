-- Lists each learner's sessions: runs of statements with at most 30 minutes from one to the next.
-- learner: identifier of the learner
-- name: a name that a statement gave
-- started: timestamp of the first statement
-- ended: timestamp of the last statement
-- seconds: seconds from the first to the last, so 0 where there is one statement
-- statements: statements in it
-- order: started DESC, learner
SELECT
  id AS learner,
  label AS name,
  fromUnixTimestamp64Milli(first, 'UTC') AS started,
  fromUnixTimestamp64Milli(last, 'UTC') AS ended,
  (last - first) / 1000 AS seconds,
  statements
FROM {by_learner.sessions}
