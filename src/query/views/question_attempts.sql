-- Counts, for each question, attempts and learners, and says how many were right, right at the first try, and how well the question tells strong learners from weak ones.
-- question: id of the question
-- name: a name that a statement gave
-- interaction_type: kind of question, as in cmi.interaction
-- assessment: the question's first parent
-- attempts: statements that answer it
-- learners: different learners who answered
-- attempts_per_learner: attempts divided by learners
-- correct_share: share of the attempts that were right, of those judged
-- first_try_correct_share: share of the learners whose first judged attempt was right
-- discrimination: point-biserial correlation, over learners, of a right first try here with the share of right first tries in the other questions of the same assessment; empty where it isn't defined
-- order: attempts DESC, question
SELECT
  any(id) AS question,
  max(label) AS name,
  anyIf(kind, kind != '') AS interaction_type,
  anyIf(parent, parent != '') AS assessment,
  sum(tries) AS attempts,
  count() AS learners,
  attempts / learners AS attempts_per_learner,
  sum(right_tries) / nullIf(sum(judged_tries), 0) AS correct_share,
  sumIf(first_right, judged_tries > 0) / nullIf(countIf(judged_tries > 0), 0) AS first_try_correct_share,
  ifNotFinite(toNullable(corrIf(toFloat64(first_right), toFloat64((total - first_right) / (questions - 1)), parent != '' AND judged_tries > 0 AND questions > 1)), NULL) AS discrimination
FROM {by_learner.question_attempts}
GROUP BY object_key
