-- One row for each actor and hour by the zone's clock. Functions for hours give 32 bits, which end at 1970 and in 2106.
SELECT
  actor_key,
  actor_type,
  toDateTime64(fromUnixTimestamp64Milli(toUnixTimestamp64Milli(timestamp) - positiveModulo(toUnixTimestamp64Milli(timestamp) + timezoneOffset(toTimeZone(timestamp, {timezone})) * 1000, 3600000), 'UTC'), 0, 'UTC') AS hour,
  count() AS times
FROM {database}.statements
GROUP BY actor_key, actor_type, hour
