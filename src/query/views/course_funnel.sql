-- Counts, for each course, the learners who came at least as far as each of five steps: enrolled, started, completed a part of it, completed it, passed it.
-- course: id of an activity of a course type, or one that learners enrolled in
-- step: number of the step, from 1
-- step_name: enrolled, started, completed-a-part, completed or passed
-- learners: different learners who reached this step or a later one, by statements about the course or with it among parents or groupings; a statement counts for one course, its object first, then parents, then groupings
-- share: learners divided by those of the first step
-- lost: learners of the step before who did not reach this one
-- order: course, step
WITH courses AS (SELECT object_key, any(id) AS course FROM {by_learner.courses} GROUP BY object_key)
SELECT
  course,
  arrayJoin(range(1, 6)) AS step,
  ['enrolled', 'started', 'completed-a-part', 'completed', 'passed'][step] AS step_name,
  reached[step] AS learners,
  learners / reached[1] AS share,
  if(step = 1, 0, reached[step - 1] - learners) AS lost
FROM (
  SELECT course_key AS object_key, [count(), countIf(furthest >= 2), countIf(furthest >= 3), countIf(furthest >= 4), countIf(furthest >= 5)] AS reached
  FROM (
    SELECT
      multiIf(
        object_key IN (SELECT object_key FROM courses), object_key,
        within[1] IN (SELECT object_key FROM courses), within[1],
        arrayFirst(key -> key IN (SELECT object_key FROM courses), within)) AS course_key,
      max(if(object_key = course_key, of_course, of_part)) AS furthest
    FROM {by_learner.course_funnel}
    WHERE course_key != 0
    GROUP BY course_key, actor_key
  )
  GROUP BY course_key
) AS funnel
ANY LEFT JOIN courses USING object_key
