import { allowedAggregates, allowedFormats, allowedFunctions, allowedTableFunctions, combinators, syntaxFunctions } from './allowed.js';
import { databaseOf } from '../tenant-databases.js';
import type { SqlEngine } from './engine.js';
import { SqlFailure } from './failure.js';
import { checkStructures } from './structures.js';
import { admitSettings, forcedSettings, type SqlLimits } from './settings.js';
import { rewriteExists, rewriteShow } from './show.js';
import { readQueryTree, readSyntaxTree, type SyntaxTree } from './syntax-tree.js';
import { harmlessTables, systemDatabase, type SystemViews } from './system-views.js';
import { isKeyword, isSymbol, readSettings, tokenize, type Token } from './tokens.js';

/** What is asked, before anything is known of it. */
export interface SqlQuestion {
  tenant: string;
  /** As it came. */
  text: string;
  /** Values of `{name:Type}`. */
  parameters: Readonly<Record<string, string>>;
}

/** A statement that may run. */
export type Admitted =
  /** Text to run, in the engine's own form, without FORMAT. */
  | { kind: 'query'; sql: string; format?: string; settings: Record<string, string> }
  /** Settings of the session. */
  | { kind: 'set'; settings: Record<string, string> }
  /** Nothing to do: the tenant has one database. */
  | { kind: 'use' };

export interface Guard {
  /**
   * Judges a statement. It is parsed by the engine alone, as a value that is never run; what is judged is the engine's own
   * form of it, and that form is what runs. Then, in this order: kind of the statement, names of functions and tables as
   * written, structures of table functions, and names of tables as the engine resolves them, so that nothing is evaluated before its names are admitted.
   * @throws SqlFailure with ClickHouse's number of the refusal, or the engine's own
   */
  admit(question: SqlQuestion, signal?: AbortSignal): Promise<Admitted>;
}

export interface GuardDeps {
  engine: SqlEngine;
  systemViews: SystemViews;
  limits: SqlLimits;
}

/** A statement as far as it is known after parsing. */
interface Context {
  question: SqlQuestion;
  text: string;
  tokens: Token[];
  /** Lists of settings that the tokens show, all of them admitted. */
  settingsLists: number;
  tree: SyntaxTree;
  /** Databases of the engine. */
  databases: string[];
  signal?: AbortSignal;
}

const explainable: ReadonlySet<string> = new Set(['EXPLAIN', 'EXPLAIN AST', 'EXPLAIN SYNTAX', 'EXPLAIN QUERY TREE', 'EXPLAIN PIPELINE']);
const writing = /^(Insert|Create|Drop|Alter|Rename|Truncate|Delete|Update|Optimize|Attach|Detach|Undrop|Copy|Grant|Revoke|Move)/;

export function createGuard({ engine, systemViews, limits }: GuardDeps): Guard {
  const settings = forcedSettings(limits);

  /** One statement's own form. A string that holds several, or none, is a syntax error to the parser. */
  async function format(text: string, signal?: AbortSignal): Promise<{ text: string; databases: string[] }> {
    const [row] = await engine.rows<{ text: string; databases: string[] }>({
      sql: 'SELECT formatQuerySingleLine({text:String}) AS text, (SELECT groupArray(name) FROM system.databases) AS databases',
      parameters: { text: escapeParameter(text) }, settings, signal,
    }).catch((error: unknown) => {
      if (error instanceof SqlFailure) error.message = error.message.replace(/\.? ?: In scope SELECT formatQuerySingleLine[^]*$/, '').replace(/: (?:While|while) executing (?:'FUNCTION|function) formatQuery[^]*$/, '');
      throw error;
    });
    if (!row) throw new SqlFailure('UNKNOWN_EXCEPTION', 'The engine gave no answer');
    return row;
  }

  async function explain(what: string, text: string, question: SqlQuestion, signal?: AbortSignal): Promise<string[]> {
    const rows = await engine.rows<{ explain: string }>({
      sql: `EXPLAIN ${what} ${text}`, database: databaseOf(question.tenant), parameters: question.parameters, settings, signal,
    });
    return rows.flatMap((row) => row.explain.split('\n'));
  }

  async function admitText(question: SqlQuestion, text: string, depth: number, signal?: AbortSignal): Promise<Admitted> {
    if (Buffer.byteLength(text) > limits.queryBytes) throw new SqlFailure('SYNTAX_ERROR', `Syntax error: Max query size exceeded (${limits.queryBytes} bytes)`);
    const substitutes = await systemViews.ensure(question.tenant);
    const written = await format(text, signal);
    const rewritten = substitute(written.text, substitutes, systemDatabase(question.tenant));
    const formatted = rewritten === written.text ? written : await format(rewritten, signal);
    const tokens = tokenize(formatted.text);
    // Before anything else of the statement reaches the engine, which applies them even to an EXPLAIN.
    const settingsLists = admitLists(tokens, limits);
    const tree = readSyntaxTree(await explain('AST', formatted.text, question, signal));
    const context: Context = { question, text: formatted.text, tokens, settingsLists, tree, databases: formatted.databases, signal };
    switch (tree.kind) {
      case 'SelectWithUnionQuery': return admitSelect(context);
      case 'Set': return { kind: 'set', settings: admitSettings(onlySettings(tokens, 1), limits) };
      case 'UseQuery': return admitUse(context);
      case 'Explain': return admitExplain(context, depth);
      case 'DescribeQuery': return admitDescribe(context, depth);
      case 'ShowTables': case 'ShowColumns': case 'ShowFunctions':
        return admitText(question, rewriteShow(withoutFormat(context).sql, tokenize(withoutFormat(context).sql), databaseOf(question.tenant)), depth + 1, signal).then((inner) => withFormat(inner, context));
      case 'ExistsTableQuery': case 'ExistsViewQuery': case 'ExistsDatabaseQuery':
        return admitText(question, rewriteExists(tokens, databaseOf(question.tenant)), depth + 1, signal).then((inner) => withFormat(inner, context));
      case 'ShowCreateTableQuery': case 'ShowCreateViewQuery': case 'ShowCreateDatabaseQuery': return admitShowCreate(context);
      default:
        if (writing.test(tree.kind)) throw new SqlFailure('READONLY', 'Cannot execute query in readonly mode: this interface takes queries that read');
        throw new SqlFailure('ACCESS_DENIED', `Not enough privileges: statements of the kind ${tree.kind} are not taken here`);
    }
  }

  async function admitSelect(context: Context): Promise<Admitted> {
    const { sql, format: name, settings: tail } = withoutFormat(context);
    const { tree, settingsLists } = context;
    if (settingsLists !== tree.settings) throw new SqlFailure('READONLY', 'Cannot modify settings in readonly mode: give them as name = value with plain values');
    await checkNames(context, sql);
    return { kind: 'query', sql, format: name, settings: admitSettings(tail, limits) };
  }

  async function checkNames(context: Context, sql: string): Promise<void> {
    const { question, databases, signal } = context;
    const own = [databaseOf(question.tenant), systemDatabase(question.tenant)];
    checkStructures(context.tokens);
    const written = readQueryTree(await explain('QUERY TREE run_passes = 0', sql, question, signal));
    for (const name of written.functions) {
      if (!mayCall(name)) throw new SqlFailure('ACCESS_DENIED', `Not enough privileges: the function ${name} is not taken here`);
    }
    for (const name of written.tableFunctions) checkTableFunction(name);
    for (const name of written.identifiers) {
      const database = name.split('.', 1)[0] ?? '';
      if (harmlessTables.has(name) || own.includes(database)) continue;
      if (name.includes('.') && (databases.includes(database) || reserved.test(database))) throw unknownTable(name);
    }
    const resolved = readQueryTree(await explain('QUERY TREE', sql, question, signal));
    for (const name of resolved.tableFunctions) checkTableFunction(name);
    for (const name of resolved.tables) {
      // A table without a database is the working table of a recursive WITH.
      if (name.includes('.') && !harmlessTables.has(name) && !name.startsWith(workTables) && !own.includes(name.split('.', 1)[0] ?? '')) throw unknownTable(name);
    }
  }

  function admitUse({ tokens, question }: Context): Admitted {
    const name = tokens[1]?.text;
    if (tokens.length !== 2 || (name !== databaseOf(question.tenant) && name !== 'default')) throw new SqlFailure('UNKNOWN_DATABASE', `Database ${name ?? ''} does not exist`);
    return { kind: 'use' };
  }

  async function admitExplain(context: Context, depth: number): Promise<Admitted> {
    const { tree, tokens, question, signal } = context;
    if (!explainable.has(tree.detail) || depth > 0) throw new SqlFailure('ACCESS_DENIED', `Not enough privileges: ${tree.detail} is not taken here`);
    const { sql, format: name } = withoutFormat(context);
    const from = tokens.findIndex((token) => isKeyword(token, 'SELECT') || isKeyword(token, 'WITH') || isSymbol(token, '('));
    if (from !== tree.detail.split(' ').length) throw new SqlFailure('ACCESS_DENIED', `Not enough privileges: ${tree.detail} takes a SELECT without settings of its own here`);
    const inner = await admitText(question, sql.slice(tokens[from]?.start), depth + 1, signal);
    if (inner.kind !== 'query') throw new SqlFailure('ACCESS_DENIED', 'Not enough privileges: only a SELECT can be explained here');
    return { ...inner, sql: `${tree.detail} ${inner.sql}`, format: name };
  }

  async function admitDescribe(context: Context, depth: number): Promise<Admitted> {
    const { question, signal } = context;
    const { sql, format: name } = withoutFormat(context);
    const tokens = tokenize(sql);
    const [describe, table, ...rest] = tokens;
    const last = rest.at(-1);
    if (isKeyword(describe, 'DESCRIBE') && isKeyword(table, 'TABLE') && isSymbol(rest[0], '(') && isSymbol(last, ')')) {
      const inner = await admitText(question, sql.slice(rest[0]?.end, last?.start), depth + 1, signal);
      if (inner.kind !== 'query') throw new SqlFailure('ACCESS_DENIED', 'Not enough privileges: only a SELECT can be described here');
      return { ...inner, sql: `DESCRIBE TABLE (${inner.sql})`, format: name };
    }
    ownObject(rest, context);
    return { kind: 'query', sql, format: name, settings: {} };
  }

  async function admitShowCreate(context: Context): Promise<Admitted> {
    const { sql, format: name } = withoutFormat(context);
    const tokens = tokenize(sql).slice(3);
    if (context.tree.kind === 'ShowCreateDatabaseQuery') {
      const { tenant } = context.question;
      if (tokens.length !== 1 || tokens[0]?.text !== databaseOf(tenant)) throw new SqlFailure('UNKNOWN_DATABASE', `Database ${tokens[0]?.text ?? ''} does not exist`);
    } else {
      ownObject(tokens, context);
    }
    return { kind: 'query', sql, format: name, settings: {} };
  }

  return { admit: (question, signal) => admitText(question, question.text, 0, signal) };

  /** Takes `FORMAT x` and the settings behind it off the end of a statement. */
  function withoutFormat({ text, tokens, tree }: Context): { sql: string; format?: string; settings: Map<string, string> } {
    const ending = tree.children.slice(tree.kind === 'SelectWithUnionQuery' ? 1 : 0);
    if (ending.includes('Literal')) throw new SqlFailure('INTO_OUTFILE_NOT_ALLOWED', 'INTO OUTFILE is not allowed');
    for (let at = tokens.length - 2; at >= 0; at--) {
      const format = tokens[at + 1];
      // `Null` the formatter quotes.
      if (!isKeyword(tokens[at], 'FORMAT') || (format?.kind !== 'word' && format?.kind !== 'quoted')) continue;
      const clause = isKeyword(tokens[at + 2], 'SETTINGS') ? readSettings(tokens, at + 3) : undefined;
      if ((clause?.next ?? at + 2) !== tokens.length) continue;
      if (!ending.includes('Identifier')) break;
      return { sql: text.slice(0, tokens[at]?.start).trimEnd(), format: checkFormat(format.text), settings: clause?.settings ?? new Map<string, string>() };
    }
    return { sql: text, settings: new Map() };
  }

  function withFormat(inner: Admitted, context: Context): Admitted {
    return inner.kind === 'query' ? { ...inner, format: withoutFormat(context).format } : inner;
  }
}

/** Databases that no tenant reaches, whether the engine has them or not. */
const reserved = /^(?:quipu.*|system|information_schema|default|_temporary_and_external_tables)$/i;

/** Where the engine keeps the rows of a recursive WITH; as a name in a query it is refused. */
const workTables = '_temporary_and_external_tables._tmp_';

/** @throws SqlFailure UNKNOWN_FORMAT */
export function checkFormat(name: string): string {
  if (!allowedFormats.has(name.toLowerCase())) throw new SqlFailure('UNKNOWN_FORMAT', `Unknown format ${name}`);
  return name;
}

function checkTableFunction(name: string): void {
  if (!allowedTableFunctions.has(name.toLowerCase())) throw new SqlFailure('ACCESS_DENIED', `Not enough privileges: the table function ${name} is not taken here`);
}

function mayCall(written: string): boolean {
  const name = written.toLowerCase();
  if (allowedFunctions.has(name) || syntaxFunctions.has(name)) return true;
  for (let base = name; ;) {
    if (allowedAggregates.has(base)) return true;
    const suffix = combinators.find((one) => base.endsWith(one) && base.length > one.length);
    if (suffix === undefined) return false;
    base = base.slice(0, -suffix.length);
  }
}

function unknownTable(name: string): SqlFailure {
  return new SqlFailure('ACCESS_DENIED', `Not enough privileges: ${name} is not among the tables of this key`);
}

/** @throws SqlFailure unless the tokens are the name of a table of the tenant */
function ownObject(tokens: readonly Token[], { question }: { question: SqlQuestion }): void {
  const [first, dot, second] = tokens;
  const isName = (token: Token | undefined): boolean => token?.kind === 'word' || token?.kind === 'quoted';
  if (tokens.length === 1 && isName(first)) return;
  const own = [databaseOf(question.tenant), systemDatabase(question.tenant)];
  const text = tokens.map((token) => token.text).join('');
  if (tokens.length === 3 && isName(first) && isSymbol(dot, '.') && isName(second) && (own.includes(first?.text ?? '') || harmlessTables.has(text))) return;
  throw unknownTable(text);
}

/** Puts the tenant's substitutes in the place of tables of `system` and `information_schema`. What is missed is refused later. */
function substitute(text: string, substitutes: ReadonlyMap<string, string>, database: string): string {
  const tokens = tokenize(text);
  let result = '';
  let done = 0;
  for (let at = 0; at + 2 < tokens.length; at++) {
    const [schema, dot, table] = [tokens[at], tokens[at + 1], tokens[at + 2]];
    if (!schema || !table || !isSymbol(dot, '.') || isSymbol(tokens[at - 1], '.') || (schema.kind !== 'word' && schema.kind !== 'quoted')) continue;
    const name = substitutes.get(`${schema.text}.${table.text}`.toLowerCase());
    if (name === undefined) continue;
    result += `${text.slice(done, schema.start)}${database}.${name}`;
    done = table.end;
  }
  return result + text.slice(done);
}

/**
 * Judges every `SETTINGS name = value` of a statement.
 * @returns how many lists there are
 * @throws SqlFailure READONLY, or SETTING_CONSTRAINT_VIOLATION for a value above the limit
 */
function admitLists(tokens: readonly Token[], limits: SqlLimits): number {
  let lists = 0;
  tokens.forEach((token, at) => {
    if (!isKeyword(token, 'SETTINGS') || !isSymbol(tokens[at + 2], '=')) return;
    const clause = readSettings(tokens, at + 1);
    if (!clause) throw new SqlFailure('READONLY', 'Cannot modify settings in readonly mode: give them as name = value with plain values');
    lists++;
    for (const [setting, value] of clause.settings) {
      const admitted = admitSettings([[setting, value]], limits)[setting];
      if (setting === 'readonly') throw new SqlFailure('READONLY', "Cannot modify 'readonly' setting in readonly mode");
      if (admitted !== undefined && Number(admitted) < (Number(value) || Infinity)) throw new SqlFailure('SETTING_CONSTRAINT_VIOLATION', `Setting ${setting} shouldn't be greater than ${admitted}`);
    }
  });
  return lists;
}

function onlySettings(tokens: readonly Token[], from: number): Map<string, string> {
  const clause = readSettings(tokens, from);
  if (!clause || clause.next !== tokens.length) throw new SqlFailure('READONLY', 'Cannot modify settings in readonly mode: SET takes name = value with plain values here');
  return clause.settings;
}

/** A text as the value of a parameter of the type String stands in a URL: its control characters and backslashes escaped. */
function escapeParameter(text: string): string {
  return text.replace(/\\/g, '\\\\').replace(/\t/g, '\\t').replace(/\n/g, '\\n').replace(/\r/g, '\\r').replace(/\0/g, '\\0').replace(/'/g, "\\'");
}
