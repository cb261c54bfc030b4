-- One row for each actor and activity that a statement of the actor takes for a course.
SELECT
  actor_key,
  object_key,
  any(object_id) AS id
FROM {database}.statements
WHERE object_type = 'Activity' AND (activity_type IN ({types.course}) OR verb IN ({verbs.enrolled}))
GROUP BY actor_key, object_key
