-- Adds up, for each learner and activity, the time from each statement about the activity to the learner's next statement about any activity, where that is at most 30 minutes.
-- learner: identifier of the learner
-- activity: id of the activity
-- seconds: time spent; longer gaps count as idle and not at all
-- statements: statements of the learner about it
-- order: seconds DESC, learner, activity
SELECT learner, activity, seconds, statements
FROM {by_learner.time_spent}
