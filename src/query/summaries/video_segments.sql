-- One row for each learner and video: the seconds where parts that were played begin and end, all sessions together, and how far the video reaches by what the sessions say.
SELECT
  actor_key,
  object_key,
  any(id) AS id,
  max(label) AS label,
  max(if(given > 0, given, arrayMax(stops))) AS reach,
  groupArrayArray(starts) AS begins,
  groupArrayArray(stops) AS ends
FROM (
  SELECT
    actor_key, object_key,
    any(object_id) AS id,
    max(object_name) AS label,
    max(toFloat64OrZero(context_extensions['https://w3id.org/xapi/video/extensions/length'])) AS given,
    argMax(played_segments, {order}) AS played,
    splitByString('[,]', played) AS parts,
    arrayMap(part -> toFloat64OrZero(splitByString('[.]', part)[1]), parts) AS from_seconds,
    arrayMap(part -> toFloat64OrZero(splitByString('[.]', part)[2]), parts) AS to_seconds,
    arrayFilter((second, end) -> second < end, from_seconds, to_seconds) AS starts,
    arrayFilter((second, begin) -> begin < second, to_seconds, from_seconds) AS stops
  FROM {database}.statements
  WHERE actor_type = 'Agent' AND object_type = 'Activity' AND verb IN ({verbs.video}) AND played_segments != ''
  GROUP BY actor_key, object_key, registration, context_extensions['https://w3id.org/xapi/video/extensions/session-id']
)
WHERE notEmpty(stops)
GROUP BY actor_key, object_key
