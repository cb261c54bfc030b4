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
  count() AS statements,
  uniqExactIf(actor_key, actor_type = 'Agent') AS learners,
  uniqExactIf(object_key, object_type = 'Activity') AS activities,
  min(timestamp) AS first_used,
  max(timestamp) AS last_used
FROM {database}.statements
GROUP BY verb
