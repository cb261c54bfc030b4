-- Every statement of every tenant, one row each. Only the shipper writes here; analysts read the views of their tenant's database.
-- The table keeps its own checkpoint: the shipper goes on after max(position). insert_deduplication_token with the window below
-- makes a block that is sent twice count once, and fsync makes sure that no later block survives an earlier one.
CREATE TABLE IF NOT EXISTS quipu.statement_log
(
    tenant LowCardinality(String),
    position UInt64 COMMENT 'Place in the log of the store' CODEC(DoubleDelta, ZSTD(1)),
    erasure UInt64 COMMENT 'Position of the erasure that has rewritten the statement, or 0' CODEC(ZSTD(1)),
    id UUID,
    stored DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    timestamp DateTime64(3, 'UTC') COMMENT 'Years 1900 to 2299; what lies outside is set to the nearest' CODEC(DoubleDelta, ZSTD(1)),
    version LowCardinality(String) COMMENT 'xAPI version of the statement',
    actor_id LowCardinality(String) COMMENT 'Canonical identifier: mbox:mailto:…, account:homePage|name, openid:…, mbox_sha1sum:…; empty for an Anonymous Group' CODEC(ZSTD(1)),
    actor_key UInt64 DEFAULT cityHash64(actor_id) COMMENT 'Number that stands for actor_id where learners are counted' CODEC(ZSTD(1)),
    actor_name LowCardinality(String) CODEC(ZSTD(1)),
    actor_type LowCardinality(String) COMMENT 'Agent or Group',
    actor_members Array(String) COMMENT 'Identifiers of the members of a Group' CODEC(ZSTD(1)),
    verb LowCardinality(String) COMMENT 'Id of the verb',
    verb_name LowCardinality(String) COMMENT 'Display of the verb, English when there is one',
    object_type LowCardinality(String) COMMENT 'Activity, Agent, Group, StatementRef or SubStatement',
    object_id LowCardinality(String) COMMENT 'Activity id, identifier of the Agent or Group, or id of the StatementRef' CODEC(ZSTD(1)),
    object_key UInt64 DEFAULT cityHash64(object_id) COMMENT 'Number that stands for object_id where activities are counted' CODEC(ZSTD(1)),
    object_name LowCardinality(String) COMMENT 'Name of the Activity or Agent, English when there is one' CODEC(ZSTD(1)),
    activity_type LowCardinality(String),
    target Nullable(UUID) COMMENT 'Statement that a StatementRef points to',
    voids Bool COMMENT 'A voiding statement; it voids target',
    parents Array(LowCardinality(String)) COMMENT 'Ids of contextActivities.parent' CODEC(ZSTD(1)),
    groupings Array(LowCardinality(String)) COMMENT 'Ids of contextActivities.grouping' CODEC(ZSTD(1)),
    categories Array(LowCardinality(String)) COMMENT 'Ids of contextActivities.category',
    others Array(String) COMMENT 'Ids of contextActivities.other' CODEC(ZSTD(1)),
    related_agents Array(String) COMMENT 'Identifiers in instructor, team, contextAgents, contextGroups and a SubStatement, members among them' CODEC(ZSTD(1)),
    registration Nullable(UUID),
    platform LowCardinality(String),
    language LowCardinality(String),
    context_revision LowCardinality(String) COMMENT 'context.revision',
    context_statement Nullable(UUID) COMMENT 'context.statement.id',
    instructor_id String CODEC(ZSTD(1)),
    team_id String CODEC(ZSTD(1)),
    authority_id LowCardinality(String),
    success Nullable(Bool),
    completion Nullable(Bool),
    score_scaled Nullable(Float64),
    score_raw Nullable(Float64),
    score_min Nullable(Float64),
    score_max Nullable(Float64),
    duration Nullable(Float64) COMMENT 'result.duration in seconds; a year counts 365.25 days, a month a twelfth of it',
    response String CODEC(ZSTD(1)),
    interaction_type LowCardinality(String) COMMENT 'interactionType of a question',
    correct_responses Array(String) COMMENT 'correctResponsesPattern of a question' CODEC(ZSTD(1)),
    result_extensions Map(String, String) COMMENT 'Extension to value; texts as they are, everything else as JSON' CODEC(ZSTD(1)),
    context_extensions Map(String, String) CODEC(ZSTD(1)),
    activity_extensions Map(String, String) CODEC(ZSTD(1)),
    progress Nullable(Float64) DEFAULT toFloat64OrNull(result_extensions['https://w3id.org/xapi/cmi5/result/extensions/progress']) COMMENT 'Progress in percent, of the extension of cmi5',
    played_segments String DEFAULT result_extensions['https://w3id.org/xapi/video/extensions/played-segments'] COMMENT 'What was watched in the session so far, of the video profile: 0[.]12[,]30[.]45' CODEC(ZSTD(1)),
    text String COMMENT 'The statement exactly as the LRS answers it' CODEC(ZSTD(3)),
    statement JSON(max_dynamic_paths=128) COMMENT 'The statement for queries by path; a dot in a key is written %2E',
    refused Bool COMMENT 'The engine could not take the statement as JSON: the column statement is empty, text is whole',
    INDEX by_id id TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX by_voids voids TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
ORDER BY (tenant, timestamp, id)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1, min_bytes_for_wide_part = 67108864;

-- Which text of the views a tenant's database has.
CREATE TABLE IF NOT EXISTS quipu.tenant_databases
(
    tenant String,
    hash String,
    made DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY (tenant, made);
