-- One row for each learner, object, and list of parents and groupings: the furthest step, should the object be the course, and should one of the list be it.
SELECT
  actor_key,
  object_key,
  arrayMap(id -> cityHash64(id), arrayConcat(parents, groupings)) AS within,
  max(multiIf(ifNull(success, verb IN ({verbs.passed})), 5, verb IN ({verbs.completed}), 4, verb IN ({verbs.enrolled}, {verbs.left}), 1, 2)) AS of_course,
  max(multiIf(verb IN ({verbs.completed}, {verbs.passed}), 3, verb IN ({verbs.enrolled}, {verbs.left}), 1, 2)) AS of_part
FROM {database}.statements
WHERE actor_type = 'Agent'
GROUP BY actor_key, object_key, within
