/** Name of the table that holds a summary's rows. */
export function summaryTable(summary: string): string {
  return `quipu.${summary}_by_learner`;
}

/** What makes a summary's rows from what stands for the statements. */
type RowsOf = (summary: string, select: (statements: string) => string) => string;

/** What summarised rows are read beside. */
export interface SummaryScope {
  /** SQL of the tenant's statements: a table, or a SELECT in parentheses. */
  statements: string;
  /** SQL of the tenant's id as a text. */
  tenant: string;
  /** What `summaryDefinitions` says: rows that a program with other definitions has kept are not read. */
  definitions: string;
  /** SQL of the position of the newest statement that counts; all count when left out. Nothing summarised behind it is read. */
  horizon?: string;
}

/**
 * Reads a summary's rows where they are kept, and makes those anew of every learner of whom anything has
 * changed since: who has a statement behind the summary, or had one that was voided behind it. The result is what all
 * statements say at the moment of the query.
 */
export function summarised({ statements, tenant, definitions, horizon }: SummaryScope): RowsOf {
  // The newest or none: of the versions before, the rows may be dropped.
  const counts = `argMax(definitions, version) = '${definitions}'${horizon === undefined ? '' : ` AND argMax(through, version) <= ${horizon}`}`;
  const newest = (value: string): string => `(SELECT if(${counts}, ${value}, 0) FROM quipu.summaries PREWHERE tenant = ${tenant})`;
  return rowsOfVersion({ statements, tenant, version: newest('max(version)'), changed: `(${changedSince(tenant, newest('argMax(through, version)'))})` });
}

/** What the rows of one version are read beside. */
export interface VersionScope extends Pick<SummaryScope, 'statements' | 'tenant'> {
  /** SQL of the version. */
  version: string;
  /** SQL of the keys of those of whom anything has changed since: a SELECT in parentheses. */
  changed: string;
  /** SQL of a condition on `actor_key`: rows of these learners alone. */
  learners?: string;
}

/** The same of the rows of one version, as long as none of them is dropped. */
export function rowsOfVersion({ statements, tenant, version, changed, learners = 'true' }: VersionScope): RowsOf {
  return (summary, select) => `(
  SELECT * EXCEPT (tenant, version) FROM ${summaryTable(summary)} PREWHERE tenant = ${tenant} AND version = ${version}
  WHERE ${learners} AND actor_key NOT IN ${changed}
  UNION ALL
  SELECT * FROM ${select(`(SELECT * FROM ${statements} WHERE ${learners} AND actor_key IN ${changed})`)}
)`;
}

/** A SELECT of the keys of those of whom anything has changed behind a position, some of them more than once. Both arguments are SQL. */
export function changedSince(tenant: string, through: string): string {
  const log = `quipu.statement_log PREWHERE tenant = ${tenant}`;
  return `
    SELECT actor_key FROM ${log} WHERE position > ${through}
    UNION ALL SELECT actor_key FROM ${log} WHERE id IN (SELECT assumeNotNull(target) FROM ${log} WHERE voids AND position > ${through} AND isNotNull(target))
  `;
}
