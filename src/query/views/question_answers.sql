-- Counts, for each question and each answer given to it, how often it was given, its share, and how often it was judged right.
-- question: id of the question
-- name: a name that a statement gave
-- response: the answer as the statement has it
-- answers: statements with this answer
-- share: share of all the question's answers, from 0 to 1
-- learners: different learners who gave it
-- correct: how many of them were judged right
-- order: question, answers DESC, response
SELECT
  any(object_id) AS question,
  anyIf(object_name, object_name != '') AS name,
  response,
  count() AS answers,
  answers / sum(answers) OVER (PARTITION BY object_key) AS share,
  uniqExact(actor_key) AS learners,
  countIf(success = true) AS correct
FROM {database}.statements
WHERE {answered} AND actor_type = 'Agent'
GROUP BY object_key, response
