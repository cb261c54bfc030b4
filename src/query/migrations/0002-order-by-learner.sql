-- The rows of a month together, in it by learner and activity: what views group lies side by side, and periods are still read alone.
-- Numbers that every view reads are compressed for speed. The shipper fills the table again from the store.
DROP TABLE IF EXISTS quipu.statement_log_rebuild SYNC;
DROP TABLE IF EXISTS quipu.statement_log_ordered SYNC;
CREATE TABLE quipu.statement_log_ordered AS quipu.statement_log
ENGINE = MergeTree
ORDER BY (tenant, toStartOfMonth(timestamp), actor_key, object_key, timestamp, id)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1, min_bytes_for_wide_part = 67108864;
ALTER TABLE quipu.statement_log_ordered
    MODIFY COLUMN position CODEC(Delta(8), LZ4),
    MODIFY COLUMN timestamp CODEC(Delta(8), LZ4),
    MODIFY COLUMN actor_key CODEC(LZ4),
    MODIFY COLUMN object_key CODEC(LZ4),
    MODIFY COLUMN actor_id CODEC(LZ4),
    MODIFY COLUMN object_id CODEC(LZ4),
    MODIFY COLUMN object_name CODEC(LZ4),
    ADD INDEX IF NOT EXISTS by_position position TYPE minmax GRANULARITY 1;
CREATE OR REPLACE TABLE quipu.statement_log AS quipu.statement_log_ordered;
DROP TABLE quipu.statement_log_ordered SYNC;
