/** Part of its memory that a query may fill before it groups on disk: what groups in memory and is then read back stands beside it. */
const GROUPED = 0.25;
/** What a query may put on disk, as a multiple of its memory. */
const ON_DISK = 8;
/** Bytes of the disk that queries leave free: it may be the one on which statements are stored. */
const LEFT_FREE = 1024 ** 3;

/**
 * Settings of ClickHouse under which a query keeps within so many bytes of memory: it is ended when it takes more, and before
 * that groups of a GROUP BY, of which a view of many learners has tens of millions, go to disk, within a bound of its own.
 */
export function queryMemory(bytes: number): Record<string, string> {
  return {
    max_memory_usage: String(bytes), max_bytes_before_external_group_by: String(Math.ceil(bytes * GROUPED)),
    max_temporary_data_on_disk_size_for_query: String(bytes * ON_DISK), min_free_disk_space_for_temporary_data: String(LEFT_FREE),
  };
}
