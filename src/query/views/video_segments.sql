-- Counts, for each video and each hundredth of it, the learners who watched it, how often it was played, and where learners stopped for good.
-- video: id of the video
-- name: a name that a statement gave
-- percent: hundredth of the video, from 0
-- from_second: where the hundredth begins; the length is the longest that a statement gave, or else the furthest second played
-- to_second: where it ends
-- viewers: different learners who played any of the video
-- watched: different learners who played the middle of this hundredth
-- watched_share: watched divided by viewers
-- plays: how often they played it, all sessions of theirs taken together
-- rewatched: different learners who played it more than once
-- stopped: different learners who played this hundredth and none after it
-- order: video, percent
SELECT
  video, name,
  arrayJoin(range(0, 100)) AS percent,
  percent * span / 100 AS from_second,
  (percent + 1) * span / 100 AS to_second,
  viewers,
  seen[percent + 1] AS watched,
  watched / viewers AS watched_share,
  played[percent + 1] AS plays,
  again[percent + 1] AS rewatched,
  ended[percent + 1] AS stopped
FROM (
  SELECT
    any(id) AS video,
    max(label) AS name,
    any(span) AS span,
    count() AS viewers,
    sumForEach(plays) AS played,
    sumForEach(arrayMap(times -> toUInt8(times > 0), plays)) AS seen,
    sumForEach(arrayMap(times -> toUInt8(times > 1), plays)) AS again,
    sumForEach(arrayMap(percent -> toUInt8(percent = arrayLastIndex(times -> times > 0, plays)), range(1, 101))) AS ended
  FROM (
    SELECT
      object_key,
      any(id) AS id,
      max(label) AS label,
      any(span) AS span,
      arrayFlatten(groupArray(segments)) AS parts,
      arrayMap(percent -> toUInt32(arrayCount(part -> part.1 <= (percent + 0.5) * span / 100 AND part.2 > (percent + 0.5) * span / 100, parts)), range(0, 100)) AS plays
    FROM (
      SELECT *, max(greatest(given, if(given > 0, 0, arrayMax(part -> part.2, segments)))) OVER (PARTITION BY object_key) AS span
      FROM (
        SELECT
          actor_key, object_key,
          any(object_id) AS id,
          max(object_name) AS label,
          max(toFloat64OrZero(context_extensions['https://w3id.org/xapi/video/extensions/length'])) AS given,
          argMax(played_segments, {order}) AS played,
          arrayFilter(part -> part.2 > part.1, arrayMap(part -> (toFloat64OrZero(splitByString('[.]', part)[1]), toFloat64OrZero(splitByString('[.]', part)[2])), splitByString('[,]', played))) AS segments
        FROM {database}.statements
        WHERE actor_type = 'Agent' AND object_type = 'Activity' AND verb IN ({verbs.video})
          AND played_segments != ''
        GROUP BY actor_key, object_key, registration, context_extensions['https://w3id.org/xapi/video/extensions/session-id']
      )
      WHERE notEmpty(segments)
    )
    GROUP BY actor_key, object_key
  )
  GROUP BY object_key
)
