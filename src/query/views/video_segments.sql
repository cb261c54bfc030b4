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
WITH videos AS (
  SELECT object_key, any(id) AS video, max(label) AS name, if(max(declared) > 0, max(declared), max(furthest)) AS span, countIf(notEmpty(ends)) AS viewers
  FROM {by_learner.video_segments}
  GROUP BY object_key
  HAVING viewers > 0
)
SELECT
  video, name, percent,
  percent * span / 100 AS from_second,
  (percent + 1) * span / 100 AS to_second,
  viewers,
  sum(seen) OVER so_far AS watched,
  watched / viewers AS watched_share,
  sum(playing) OVER so_far AS plays,
  sum(again) OVER so_far AS rewatched,
  last AS stopped
FROM (SELECT *, arrayJoin(range(100)) AS percent FROM videos) AS hundredths
LEFT JOIN (
  -- An edge is four times its hundredth, and 1 where a part begins, 0 where one ends, 2 for the last hundredth played; depth says in how many parts one is behind it.
  SELECT
    object_key,
    intDiv(edge, 4) AS percent,
    sum(multiIf(edge % 4 = 1, 1, edge % 4 = 0, -1, 0)) AS playing,
    sum(multiIf(edge % 4 = 1 AND depth = 1, 1, edge % 4 = 0 AND depth = 0, -1, 0)) AS seen,
    sum(multiIf(edge % 4 = 1 AND depth = 2, 1, edge % 4 = 0 AND depth = 1, -1, 0)) AS again,
    countIf(edge % 4 = 2) AS last
  FROM (
    SELECT
      object_key,
      arrayMap(second -> toInt32(least(100, greatest(0, ceil(second * 100 / span - 0.5)))), begins) AS first,
      arrayMap(second -> toInt32(least(100, greatest(0, ceil(second * 100 / span - 0.5)))), ends) AS behind,
      arraySort(arrayConcat(
        arrayFilter((edge, end) -> edge < end * 4, arrayMap(percent -> percent * 4 + 1, first), behind),
        arrayFilter((edge, begin) -> edge > begin * 4, arrayMap(percent -> percent * 4, behind), first))) AS edges,
      arrayCumSum(arrayMap(edge -> if(edge % 4 = 1, 1, -1), edges)) AS depths
    FROM {by_learner.video_segments} AS learners
    ANY LEFT JOIN (SELECT object_key, span FROM videos) AS spans USING object_key
    WHERE notEmpty(edges)
  )
  ARRAY JOIN arrayPushBack(edges, edges[-1] - 2) AS edge, arrayPushBack(depths, 0) AS depth
  GROUP BY object_key, percent
) AS changes USING object_key, percent
WINDOW so_far AS (PARTITION BY object_key ORDER BY percent)
