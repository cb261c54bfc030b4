-- Counts, for each day with statements, the statements, the different learners and the different activities of that day.
-- day: the day in the time zone asked for, UTC by default
-- statements: statements with a timestamp of that day
-- learners: different actors of that day, groups not counted
-- activities: different activities that were the object of a statement of that day
-- order: day
SELECT
  toDate32(timestamp, {timezone}) AS day,
  count() AS statements,
  uniqExactIf(actor_key, actor_type = 'Agent') AS learners,
  uniqExactIf(object_key, object_type = 'Activity') AS activities
FROM {database}.statements
GROUP BY day
