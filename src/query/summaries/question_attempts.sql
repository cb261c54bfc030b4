-- One row for each learner and question, with what the learner did in the other questions of the same assessment.
SELECT actor_key, object_key, id, label, kind, parent, tries, judged_tries, right_tries, first_right, total, questions
FROM (
  SELECT
    actor_key,
    parent,
    sum(is_right) AS total,
    countIf(judged > 0) AS questions,
    groupArray(object_key) AS object_keys,
    groupArray(question) AS ids,
    groupArray(name) AS labels,
    groupArray(interaction) AS kinds,
    groupArray(answers) AS all_tries,
    groupArray(judged) AS all_judged,
    groupArray(right) AS all_right,
    groupArray(is_right) AS all_first
  FROM (
    SELECT
      actor_key,
      object_key,
      any(object_id) AS question,
      max(object_name) AS name,
      max(interaction_type) AS interaction,
      max(parents[1]) AS parent,
      count() AS answers,
      countIf(success IS NOT NULL) AS judged,
      countIf(success = true) AS right,
      toUInt8(argMinIf(ifNull(success, false), {order}, success IS NOT NULL)) AS is_right
    FROM {database}.statements
    WHERE {answered} AND actor_type = 'Agent'
    GROUP BY actor_key, object_key
  )
  GROUP BY actor_key, parent
)
ARRAY JOIN object_keys AS object_key, ids AS id, labels AS label, kinds AS kind, all_tries AS tries, all_judged AS judged_tries, all_right AS right_tries, all_first AS first_right
