/** Part of its memory that a query may fill before it groups on disk: what groups in memory and is then read back stands beside it. */
const GROUPED = 0.25;

/**
 * Settings of ClickHouse under which a query keeps within so many bytes of memory: it is ended when it takes more, and before
 * that groups of a GROUP BY, of which a view of many learners has tens of millions, go to disk.
 */
export function queryMemory(bytes: number): { max_memory_usage: string; max_bytes_before_external_group_by: string } {
  return { max_memory_usage: String(bytes), max_bytes_before_external_group_by: String(Math.ceil(bytes * GROUPED)) };
}
