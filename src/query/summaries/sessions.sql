-- One row for each session of a learner.
SELECT
  actor_key,
  id,
  label,
  session[1] AS first,
  session[-1] AS last,
  toUInt64(length(session)) AS statements
FROM (
  SELECT
    actor_key,
    any(actor_id) AS id,
    max(actor_name) AS label,
    arraySort(groupArray(toUnixTimestamp64Milli(timestamp))) AS moments,
    arrayJoin(arraySplit((moment, gap) -> gap > 1800000, moments, arrayDifference(moments))) AS session
  FROM {database}.statements
  WHERE actor_type = 'Agent'
  GROUP BY actor_key
)
