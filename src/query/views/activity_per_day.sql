-- Counts, for each day with statements, the statements, the different learners and the different activities of that day.
-- day: the day in the time zone asked for, UTC by default
-- statements: statements with a timestamp of that day
-- learners: different actors of that day, groups not counted
-- activities: different activities that were the object of a statement of that day
-- order: day
SELECT
  day,
  sum(times) AS statements,
  countIf(actor_type = 'Agent') AS learners,
  uniqExactArray(met) AS activities
FROM {by_learner.days}
GROUP BY day
