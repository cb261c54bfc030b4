-- Counts, for each course, the learners who came at least as far as each of five steps: enrolled, started, completed a part of it, completed it, passed it.
-- course: id of an activity of a course type, or one that learners enrolled in
-- step: number of the step, from 1
-- step_name: enrolled, started, completed-a-part, completed or passed
-- learners: different learners who reached this step or a later one, by statements about the course or with it among parents or groupings; a statement counts for one course, its object first, then parents, then groupings
-- share: learners divided by those of the first step
-- lost: learners of the step before who did not reach this one
-- order: course, step
WITH courses AS (
  SELECT object_key, any(object_id) AS course FROM {database}.statements
  WHERE object_type = 'Activity' AND (activity_type IN ({types.course}) OR verb IN ({verbs.enrolled}))
  GROUP BY object_key
)
SELECT
  course,
  arrayJoin(range(1, 6)) AS step,
  ['enrolled', 'started', 'completed-a-part', 'completed', 'passed'][step] AS step_name,
  reached[step] AS learners,
  learners / reached[1] AS share,
  if(step = 1, 0, reached[step - 1] - learners) AS lost
FROM (
  SELECT course_key AS object_key, arrayMap(step -> arrayCount(furthest -> furthest >= step, groupArray(furthest)), range(1, 6)) AS reached
  FROM (
    SELECT
      multiIf(
        object_key IN (SELECT object_key FROM courses), object_key,
        cityHash64(parents[1]) IN (SELECT object_key FROM courses), cityHash64(parents[1]),
        cityHash64(groupings[1]) IN (SELECT object_key FROM courses), cityHash64(groupings[1]),
        arrayFirst(key -> key IN (SELECT object_key FROM courses), arrayMap(id -> cityHash64(id), arrayConcat(parents, groupings)))) AS course_key,
      max(multiIf(
        object_key = course_key AND ifNull(success, verb IN ({verbs.passed})), 5,
        object_key = course_key AND verb IN ({verbs.completed}), 4,
        object_key != course_key AND verb IN ({verbs.completed}, {verbs.passed}), 3,
        verb IN ({verbs.enrolled}, {verbs.left}), 1,
        2)) AS furthest
    FROM {database}.statements
    WHERE actor_type = 'Agent' AND course_key != 0
    GROUP BY course_key, actor_key
  )
  GROUP BY course_key
) AS funnel
ANY LEFT JOIN courses USING object_key
