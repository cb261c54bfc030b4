-- Counts, for each learner, statements, days with activity, activities met and completed, and averages the scores.
-- learner: identifier of the learner
-- name: the last name that a statement gave
-- first_seen: timestamp of the learner's earliest statement
-- last_seen: timestamp of the learner's latest statement
-- statements: statements of the learner
-- active_days: days in the time zone asked for with at least one statement
-- activities: different activities that were the object
-- completed: different activities that the learner completed
-- average_score: mean of the scores about activities, scaled to 1
-- order: last_seen DESC, learner
SELECT learner, name, first_seen, last_seen, statements, active_days, activities, completed, average_score
FROM {by_learner.learners}
