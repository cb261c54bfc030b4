-- Adds up, for each learner and activity, the time from each statement about the activity to the learner's next statement, where that is at most 30 minutes.
-- learner: identifier of the learner
-- activity: id of the activity
-- seconds: time spent; longer gaps count as idle and not at all
-- statements: statements of the learner about it
-- order: seconds DESC, learner, activity
SELECT
  any(actor_id) AS learner,
  any(object_id) AS activity,
  sum(if(gap <= 1800000, gap, 0)) / 1000 AS seconds,
  count() AS statements
FROM (
  SELECT
    actor_key, object_key, actor_id, object_id,
    leadInFrame(toUnixTimestamp64Milli(timestamp), 1, toUnixTimestamp64Milli(timestamp)) OVER (PARTITION BY actor_key ORDER BY timestamp ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING) - toUnixTimestamp64Milli(timestamp) AS gap
  FROM {database}.statements
  WHERE actor_type = 'Agent' AND object_type = 'Activity'
)
GROUP BY actor_key, object_key
