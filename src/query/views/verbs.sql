-- Counts, for each verb, the statements, the different learners and the different activities it joins.
-- verb: IRI of the verb
-- statements: statements with it
-- learners: different learners who are their actor
-- activities: different activities that are their object
-- first_used: timestamp of the earliest statement
-- last_used: timestamp of the latest statement
-- order: statements DESC, verb
SELECT
  verb,
  sum(times) AS statements,
  countIf(actor_type = 'Agent') AS learners,
  uniqExactArray(met) AS activities,
  min(by_learner.first_used) AS first_used,
  max(by_learner.last_used) AS last_used
FROM {by_learner.verbs} AS by_learner
GROUP BY verb
