-- Lists each learner's sessions: runs of statements with at most 30 minutes from one to the next.
-- learner: identifier of the learner
-- name: a name that a statement gave
-- started: timestamp of the first statement
-- ended: timestamp of the last statement
-- seconds: seconds from the first to the last, so 0 where there is one statement
-- statements: statements in it
-- order: started DESC, learner
SELECT
  learner,
  name,
  fromUnixTimestamp64Milli(session[1], 'UTC') AS started,
  fromUnixTimestamp64Milli(session[-1], 'UTC') AS ended,
  (session[-1] - session[1]) / 1000 AS seconds,
  length(session) AS statements
FROM (
  SELECT
    any(actor_id) AS learner,
    anyIf(actor_name, actor_name != '') AS name,
    arraySort(groupArray(toUnixTimestamp64Milli(timestamp))) AS moments,
    arrayJoin(arraySplit((moment, gap) -> gap > 1800000, moments, arrayDifference(moments))) AS session
  FROM {database}.statements
  WHERE actor_type = 'Agent'
  GROUP BY actor_key
)
