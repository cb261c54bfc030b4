-- One row for each learner and video: the seconds where parts that were played begin and end, all sessions together, the longest length that was given, and the furthest second played.
SELECT
  actor_key,
  object_key,
  any(id) AS id,
  max(label) AS label,
  max(given) AS declared,
  max(arrayMax(arrayPushBack(stops, 0))) AS furthest,
  groupArrayArray(starts) AS begins,
  groupArrayArray(stops) AS ends
FROM (
  SELECT
    actor_key, object_key,
    any(object_id) AS id,
    max(object_name) AS label,
    max(ifNotFinite(toFloat64OrZero(context_extensions['https://w3id.org/xapi/video/extensions/length']), 0)) AS given,
    argMaxIf(played_segments, {order}, played_segments != '') AS played,
    splitByString('[,]', played) AS parts,
    arrayMap(part -> ifNotFinite(toFloat64OrZero(splitByString('[.]', part)[1]), 0), parts) AS from_seconds,
    arrayMap(part -> ifNotFinite(toFloat64OrZero(splitByString('[.]', part)[2]), 0), parts) AS to_seconds,
    arrayFilter((second, end) -> second < end, from_seconds, to_seconds) AS starts,
    arrayFilter((second, begin) -> begin < second, to_seconds, from_seconds) AS stops
  FROM {database}.statements
  WHERE actor_type = 'Agent' AND object_type = 'Activity' AND verb IN ({verbs.video}) AND (played_segments != '' OR context_extensions['https://w3id.org/xapi/video/extensions/length'] != '')
  GROUP BY actor_key, object_key, registration, context_extensions['https://w3id.org/xapi/video/extensions/session-id']
)
WHERE notEmpty(stops) OR given > 0
GROUP BY actor_key, object_key
