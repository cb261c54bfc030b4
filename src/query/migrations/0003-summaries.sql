-- Which rows of the tables quipu.<view>_by_learner count: those of a tenant's newest version. They hold what the statements at or
-- below the position `through` say; 0 where nothing of them counts.
CREATE TABLE IF NOT EXISTS quipu.summaries
(
    tenant LowCardinality(String),
    version UInt64,
    through UInt64,
    made DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY (tenant, version)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
