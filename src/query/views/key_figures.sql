-- Counts, in one row, everything stored: statements, learners, activities, completions and the average score.
-- statements: statements
-- learners: different actors, groups not counted
-- activities: different activities that are the object of a statement
-- completions: pairs of a learner and an activity that the learner completed at least once
-- average_score: mean of all scores, scaled to 1
-- first_statement: timestamp of the earliest statement
-- last_statement: timestamp of the latest statement
-- order: statements
SELECT
  count() AS statements,
  uniqExactIf(actor_key, actor_type = 'Agent') AS learners,
  uniqExactIf(object_key, object_type = 'Activity') AS activities,
  uniqExactIf((actor_key, object_key), verb IN ({verbs.completed}) AND actor_type = 'Agent' AND object_type = 'Activity') AS completions,
  avg({score}) AS average_score,
  min(timestamp) AS first_statement,
  max(timestamp) AS last_statement
FROM {database}.statements
