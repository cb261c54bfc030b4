-- Shows, for each learner and activity, where the learner stands: the last statement, and the last success, score and progress that any statement gave.
-- learner: identifier of the learner
-- activity: id of the activity
-- name: a name of the activity that a statement gave
-- last_verb: verb of the last statement
-- last_seen: timestamp of the last statement
-- statements: statements of the learner about it
-- completed: whether the learner completed it at any time, by a verb or by `result.completion`
-- success: the last success or failure, by result or by the verbs passed and failed; empty where never judged
-- last_score: the last score, scaled to 1
-- best_score: the best score, scaled to 1
-- progress: the last progress in percent
-- order: last_seen DESC, learner, activity
SELECT learner, activity, name, last_verb, last_seen, statements, completed, success, last_score, best_score, progress
FROM {by_learner.latest_state}
