-- While a version of the summaries is made: the keys of those of whom something has changed since the version before.
CREATE TABLE IF NOT EXISTS quipu.changed_learners
(
    tenant LowCardinality(String),
    version UInt64,
    actor_key UInt64
)
ENGINE = MergeTree
PARTITION BY (tenant, version)
ORDER BY (tenant, version, actor_key);
