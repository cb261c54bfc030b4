/** Name of the table that holds a view's rows by learner. */
export function summaryTable(view: string): string {
  return `quipu.${view}_by_learner`;
}

/** What summarised rows are read beside. */
export interface SummaryScope {
  /** SQL of the tenant's statements: a table, or a SELECT in parentheses. */
  statements: string;
  /** SQL of the tenant's id as a text. */
  tenant: string;
  /** SQL of the position of the newest statement that counts; all count when left out. */
  horizon?: string;
  /** SQL of a condition on `actor_key`: rows of these learners alone. */
  learners?: string;
}

/**
 * Reads a view's rows by learner where they are summarised, and makes those anew of every learner of whom anything has
 * changed since: who has a statement behind the summary, or had one that was voided behind it. The result is what all
 * statements say at the moment of the query.
 */
export function summarised({ statements, tenant, horizon, learners = 'true' }: SummaryScope): (view: string, select: (statements: string) => string) => string {
  const usable = horizon === undefined ? '' : ` WHERE through <= ${horizon}`;
  const newest = (value: string): string => `(SELECT ${value} FROM quipu.summaries PREWHERE tenant = ${tenant}${usable})`;
  const log = `quipu.statement_log PREWHERE tenant = ${tenant}`;
  const through = newest('argMax(through, version)');
  const changed = `(
    SELECT actor_key FROM ${log} WHERE position > ${through}
    UNION ALL SELECT actor_key FROM ${log} WHERE id IN (SELECT assumeNotNull(target) FROM ${log} WHERE voids AND position > ${through} AND isNotNull(target))
  )`;
  return (view, select) => `(
  SELECT * EXCEPT (tenant, version) FROM ${summaryTable(view)} PREWHERE tenant = ${tenant} AND version = ${newest('max(version)')}
  WHERE ${learners} AND actor_key NOT IN ${changed}
  UNION ALL
  SELECT * FROM ${select(`(SELECT * FROM ${statements} WHERE ${learners} AND actor_key IN ${changed})`)}
)`;
}
