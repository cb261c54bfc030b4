-- Counts, for each hour with statements, the statements and the different learners of that hour.
-- hour: the moment at which the hour begins, by the clock of the time zone asked for
-- statements: statements with a timestamp of that hour
-- learners: different actors of that hour, groups not counted
-- order: hour
SELECT
  hour,
  sum(times) AS statements,
  countIf(actor_type = 'Agent') AS learners
FROM {by_learner.hours}
GROUP BY hour
