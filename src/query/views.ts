import { createHash } from 'node:crypto';
import { readSqlFiles, type SqlFile } from './sql-files.js';
import { summarised } from './summary-sql.js';
import { courseTypes, verbSets } from './verb-sets.js';

/** A view that analysts see, as its .sql file describes it. */
export interface View {
  /** Name in SQL and in the path of its route. */
  name: string;
  /** One sentence that says what it counts. */
  definition: string;
  /** In the order of the SELECT. */
  columns: { name: string; description: string }[];
  /** Terms of an ORDER BY under which no two rows are equal. */
  order: string;
  /** A SELECT with placeholders. */
  sql: string;
}

/** What stands in place of a view's placeholders. */
export interface ViewContext {
  /** What the view reads in place of the database's table `statements`. */
  statements: string;
  /** SQL of the time zone's name. */
  timezone: string;
  /** SQL of the moment that counts as the present. */
  now: string;
  /**
   * What a view reads in place of the rows of a summary; these rows, when left out.
   * @param select the SELECT that makes them from what stands for `statements`
   */
  byLearner?(summary: string, select: (statements: string) => string): string;
}

const quoted = (values: readonly string[]): string => values.map((value) => `'${value}'`).join(', ');

/** Expressions that several views share, by the name of their placeholder. Each may hold placeholders of its own. */
const shared: Record<string, string> = {
  ...Object.fromEntries(Object.entries(verbSets).map(([name, verbs]) => [`verbs.${name}`, quoted(verbs)])),
  'types.course': quoted(courseTypes),
  score: 'coalesce(score_scaled, if({scale} > 0 AND abs({gained}) <= {scale}, {gained} / {scale}, NULL))',
  // Halves, for the difference of two numbers may be too large for one.
  gained: '(score_raw / 2 - ifNull(score_min, 0) / 2)',
  scale: '(score_max / 2 - ifNull(score_min, 0) / 2)',
  answered: "(object_type = 'Activity' AND (verb IN ({verbs.answered}) OR (verb IN ({verbs.evaluated}) AND interaction_type != '')))",
  succeeded: 'ifNull(success, verb IN ({verbs.passed}))',
  // Milliseconds since 1900, where timestamps begin: never negative.
  moment: 'toUInt64(toUnixTimestamp64Milli(timestamp) + 2208988800000)',
  // Order of timestamps, then of places in the log, as one number: several times as fast as a tuple.
  order: '(bitShiftLeft({moment}, 20) + position % 1048576)',
};

/**
 * All statements of a tenant, at the present, in UTC.
 * @param database name of the tenant's database
 * @param tenant SQL of the tenant's id as a text
 */
export function wholeTenant(database: string, tenant: string): ViewContext {
  const statements = `${database}.statements`;
  return { statements, timezone: "'UTC'", now: "now64(3, 'UTC')", byLearner: summarised({ statements, tenant, definitions: summaryDefinitions() }) };
}

/**
 * The SELECT of the statements of a tenant that count, which is the table `statements` of its database.
 * @param tenant SQL of the tenant's id as a text
 * @param horizon SQL of the position of the newest statement there is; all are there when left out
 */
export function countedStatements(tenant: string, horizon?: string): string {
  const { text } = readSqlFiles('views').find(({ name }) => name === 'statements')!;
  const all = withoutComments(text).replaceAll('{tenant}', tenant).replaceAll('{there}', horizon === undefined ? 'true' : `position <= ${horizon}`);
  return horizon === undefined ? all : `SELECT * FROM (\n${all}\n) WHERE position <= ${horizon}`;
}

/** Every view of a tenant's database but `statements`, by name. */
export function loadViews(): ReadonlyMap<string, View> {
  const files = readSqlFiles('views').filter(({ name }) => name !== 'statements');
  return new Map(files.map(({ name, text }) => [name, parseView(name, text)]));
}

let summaries: ReadonlyMap<string, string> | undefined;
let definitions: string | undefined;

/** Every summary, by name: a SELECT with placeholders whose rows of one `actor_key` say nothing of other actors. A view reads its rows as `{by_learner.<name>}`. */
export function loadSummaries(): ReadonlyMap<string, string> {
  return summaries ??= new Map(readSqlFiles('summaries').map(({ name, text }) => [name, withoutComments(text)]));
}

/** The SELECT of a summary's rows from all statements. */
export function summaryRows(name: string): string {
  return renderView({ sql: `{by_learner.${name}}` }, { statements: 'quipu.statement_log', timezone: "'UTC'", now: 'now64(3)' });
}

/** A text that differs where any summary is defined otherwise, or is missing. */
export function summaryDefinitions(): string {
  return definitions ??= createHash('sha256').update([...loadSummaries().keys()].map((name) => `${name}: ${summaryRows(name)}`).join('\n')).digest('hex').slice(0, 32);
}

/**
 * Reads a view's file: a comment line with the definition, one line `-- column: description` a column, a line
 * `-- order: terms`, and the SELECT.
 */
function parseView(name: string, text: string): View {
  const comments = [...text.matchAll(/^-- (.+)$/gm)].map((match) => match[1]!);
  const described = comments.slice(1).map((line) => ({ name: line.slice(0, line.indexOf(':')), description: line.slice(line.indexOf(':') + 2) }));
  return {
    name,
    definition: comments[0]!,
    columns: described.slice(0, -1),
    order: described.at(-1)!.description,
    sql: withoutComments(text),
  };
}

function withoutComments(text: string): string {
  return text.replace(/^ *-- .*\n/gm, '').trim();
}

/** The SELECT of a view, or of what reads summaries as views do, with every placeholder filled. */
export function renderView({ sql }: Pick<View, 'sql'>, context: ViewContext): string {
  const render = (part: string, statements: string): string => fill(part, { ...shared, timezone: context.timezone, now: context.now }).replaceAll('{database}.statements', statements);
  return render(sql, context.statements).replace(/\{by_learner\.([a-z_]+)\}/g, (_, summary: string) => {
    const select = loadSummaries().get(summary);
    if (select === undefined) throw new Error(`No summary is called ${summary}`);
    const rows = (statements: string): string => `(\n${render(select, statements)}\n)`;
    return context.byLearner?.(summary, rows) ?? rows(context.statements);
  });
}

/**
 * The statements that make a tenant's views, or make them anew: for the time zone UTC and the present. `{database}` and
 * `{tenant}` are left for the caller to fill.
 */
export function viewStatements(): SqlFile[] {
  return [
    { name: 'statements', text: `CREATE OR REPLACE VIEW {database}.statements AS\n${countedStatements('{tenant}')}` },
    ...[...loadViews().values()].map((view) => ({ name: view.name, text: `CREATE OR REPLACE VIEW {database}.${view.name} AS\n${renderView(view, wholeTenant('{database}', '{tenant}'))}` })),
  ];
}

function fill(sql: string, values: Readonly<Record<string, string>>): string {
  return sql.replace(/\{(now|timezone|score|gained|scale|answered|succeeded|moment|order|verbs\.[a-z]+|types\.[a-z]+)\}/g, (_, name: string) => fill(values[name]!, values));
}
