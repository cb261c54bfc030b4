-- Counts, for each week in which learners had their first statement, how many of them were active in each week after it.
-- cohort: Monday of the week of the learners' first statement, in the time zone asked for
-- week: weeks since then, 0 is the first week itself
-- cohort_learners: learners of the cohort
-- learners: those with a statement in that week
-- share: learners divided by cohort_learners
-- order: cohort, week
SELECT
  toDate32('1970-01-05') + toIntervalDay(7 * first_week) AS cohort,
  active_week - first_week AS week,
  max(learners) OVER (PARTITION BY first_week) AS cohort_learners,
  count() AS learners,
  learners / cohort_learners AS share
FROM (
  SELECT arrayMin(weeks) AS first_week, arrayJoin(weeks) AS active_week
  FROM (
    SELECT groupUniqArray(toInt32(floor((toInt32(day) - 4) / 7))) AS weeks
    FROM {by_learner.days}
    WHERE actor_type = 'Agent'
    GROUP BY actor_key
  )
)
GROUP BY first_week, active_week
