-- Counts, for each question and each answer given to it, how often it was given, its share, and how often it was judged right.
-- question: id of the question
-- name: a name that a statement gave
-- response: the answer as the statement has it; empty also where it has none
-- answers: statements with this answer
-- share: share of all the question's answers, from 0 to 1
-- learners: different learners who gave it
-- correct: how many of them were judged right
-- order: question, answers DESC, response
SELECT
  question,
  name,
  response,
  answers,
  answers / sum(answers) OVER (PARTITION BY object_key) AS share,
  learners,
  correct
FROM (
  SELECT object_key, any(answer) AS response, sum(times) AS answers, count() AS learners, sum(right_times) AS correct
  FROM {by_learner.question_answers}
  GROUP BY object_key, response_key
) AS counts
ANY LEFT JOIN (SELECT object_key, any(id) AS question, max(label) AS name FROM {by_learner.questions} GROUP BY object_key) AS named USING object_key
