-- One row for each learner and question, with what the learner did in the other questions of the same assessment.
SELECT
  *,
  sum(first_right) OVER (PARTITION BY actor_key, parent) AS total,
  countIf(judged_tries > 0) OVER (PARTITION BY actor_key, parent) AS questions
FROM (
  SELECT
    actor_key,
    object_key,
    any(object_id) AS id,
    max(object_name) AS label,
    max(interaction_type) AS kind,
    max(parents[1]) AS parent,
    count() AS tries,
    countIf(success IS NOT NULL) AS judged_tries,
    countIf(success = true) AS right_tries,
    toUInt8(argMinIf(ifNull(success, false), {order}, success IS NOT NULL)) AS first_right
  FROM {database}.statements
  WHERE {answered} AND actor_type = 'Agent'
  GROUP BY actor_key, object_key
)
