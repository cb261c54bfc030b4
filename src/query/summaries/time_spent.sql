-- One row for each learner and activity.
SELECT actor_key, learner, activity, seconds, statements
FROM (
  SELECT
    actor_key,
    any(who) AS learner,
    step.1 AS object_key,
    sum(step.2) / 1000 AS seconds,
    count() AS statements
  FROM (
    SELECT
      actor_key,
      any(actor_id) AS who,
      arraySort(groupArray((toUnixTimestamp64Milli(timestamp), object_key))) AS moments,
      arrayJoin(arrayMap(
        (moment, next) -> (moment.2, if(next.1 - moment.1 <= 1800000, next.1 - moment.1, 0)),
        moments, arrayPushBack(arrayPopFront(moments), moments[-1]))) AS step
    FROM {database}.statements
    WHERE actor_type = 'Agent' AND object_type = 'Activity'
    GROUP BY actor_key
  )
  GROUP BY actor_key, object_key
) AS spent
ANY LEFT JOIN (
  SELECT object_key, any(object_id) AS activity FROM {database}.statements WHERE object_type = 'Activity' GROUP BY object_key
) AS named USING object_key
