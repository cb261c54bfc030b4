-- Counts, in one row, everything stored: statements, learners, activities, completions and the average score.
-- statements: statements
-- learners: different actors, groups not counted
-- activities: different activities that are the object of a statement
-- completions: pairs of a learner and an activity that the learner completed at least once
-- average_score: mean of all scores, scaled to 1
-- first_statement: timestamp of the earliest statement; null where there is none
-- last_statement: timestamp of the latest statement; null where there is none
-- order: statements
SELECT
  sum(times) AS statements,
  countIf(actor_type = 'Agent') AS learners,
  uniqExactArray(met) AS activities,
  sum(completed) AS completions,
  sum(score_sum) / nullIf(sum(scores), 0) AS average_score,
  minOrNull(first_seen) AS first_statement,
  maxOrNull(last_seen) AS last_statement
FROM {by_learner.key_figures}
