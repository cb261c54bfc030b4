import type { AppendResult, NewStatement, Position } from '../../src/statements/store.js';
import type { Activity, Actor, Context, Statement, SubStatement } from '../../src/xapi/types.js';

/** What a query asks for, in the standard's words and not in those of the store. */
export interface ModelQuery {
  agent?: Actor;
  relatedAgents?: boolean;
  verb?: string;
  activity?: string;
  relatedActivities?: boolean;
  registration?: string;
  /** Only statements of this authority, which a reference to one is not (scope statements/read/mine). */
  authority?: Actor;
  since?: number;
  until?: number;
  includeVoided?: boolean;
}

/** A statement of the model. */
export interface ModelStatement {
  id: string;
  /** What makes two statements of one id equal, but for the letter case of its UUIDs. */
  content: string;
  /** The statement as it is answered. */
  text: string;
  value: Statement;
  target: string | undefined;
  voids: boolean;
  position: Position;
  stored: number;
}

export type ModelEntry = { statement: string } | { erased: string[]; redacted: string[] };

/**
 * The standard's rules, as naively as they can be put: everything is in one map, and every question is answered by looking
 * at every statement and walking every chain (xAPI 1.0.3 Part Two 2.3, Part Three 2.1).
 */
export function createModel() {
  const statements = new Map<string, ModelStatement>();
  const erasures: { position: Position; erased: string[]; redacted: string[] }[] = [];

  const isVoided = (one: ModelStatement) => !one.voids && [...statements.values()].some((other) => other.voids && other.target === one.id);

  /** A condition met by the statement or by one that its chain of StatementRefs leads to. */
  function meets(statement: ModelStatement, condition: (value: Statement) => boolean): boolean {
    const seen = new Set<ModelStatement>();
    let at: ModelStatement | undefined = statement;
    while (at && !seen.has(at)) {
      if (condition(at.value)) return true;
      seen.add(at);
      at = at.target === undefined ? undefined : statements.get(at.target);
    }
    return false;
  }

  function matches(statement: ModelStatement, query: ModelQuery): boolean {
    const { agent, verb, activity, registration, authority, since, until } = query;
    return (query.includeVoided || !isVoided(statement))
      && (since === undefined || statement.stored > since) && (until === undefined || statement.stored <= until)
      && (agent === undefined || meets(statement, (value) => hasAgent(value, agent, query.relatedAgents === true)))
      && (verb === undefined || meets(statement, (value) => value.verb.id === verb))
      && (activity === undefined || meets(statement, (value) => hasActivity(value, activity, query.relatedActivities === true)))
      && (registration === undefined || meets(statement, (value) => value.context?.registration?.toLowerCase() === registration.toLowerCase()))
      && (authority === undefined || isAgent(statement.value.authority, authority));
  }

  return {
    isVoided,
    matches,
    get: (id: string) => statements.get(id),
    all: () => [...statements.values()],
    /** What `append` has to answer. */
    judge(batch: { statement: NewStatement; content: string }[]): AppendResult {
      const contents = new Map<string, string>();
      const outcomes: ('stored' | 'duplicate')[] = [];
      for (const [index, { statement, content }] of batch.entries()) {
        const known = statements.get(statement.id)?.content ?? contents.get(statement.id);
        if (known !== undefined && known.toLowerCase() !== content.toLowerCase()) return { status: 'conflict', index };
        contents.set(statement.id, content);
        outcomes.push(known === undefined ? 'stored' : 'duplicate');
      }
      return { status: 'stored', outcomes };
    },
    add(statement: ModelStatement) {
      statements.set(statement.id, statement);
    },
    erase(position: Position, ids: string[], redactions: { id: string; content: string; text: string; value: Statement }[]) {
      const erased = ids.filter((id) => statements.delete(id));
      const redacted = redactions.filter(({ id }) => statements.has(id));
      for (const { id, ...changes } of redacted) statements.set(id, { ...statements.get(id)!, ...changes });
      if (erased.length + redacted.length > 0) erasures.push({ position, erased, redacted: redacted.map(({ id }) => id) });
    },
    /** Everything that matches, by position. */
    find: (query: ModelQuery) => [...statements.values()].filter((statement) => matches(statement, query)).sort((one, other) => one.position - other.position),
    /** Statements and erasures by position. */
    feed(): ModelEntry[] {
      const entries: [Position, ModelEntry][] = [...statements.values()].map(({ position, id }) => [position, { statement: id }]);
      for (const { position, erased, redacted } of erasures) entries.push([position, { erased, redacted }]);
      return entries.sort(([one], [other]) => one - other).map(([, entry]) => entry);
    },
  };
}

function isAgent(actor: Actor | undefined, wanted: Actor): boolean {
  return actor !== undefined && [actor, ...(actor.member ?? [])].some(({ mbox, account }) => (
    mbox !== undefined ? mbox.toLowerCase() === wanted.mbox : account !== undefined && account.name === wanted.account?.name
  ));
}

const actorObject = (object: Statement['object']) => (object.objectType === 'Agent' || object.objectType === 'Group' ? (object as Actor) : undefined);
const activityObject = (object: Statement['object']) => (object.objectType === undefined || object.objectType === 'Activity' ? (object as Activity) : undefined);
const subStatement = (object: Statement['object']) => (object.objectType === 'SubStatement' ? (object as SubStatement) : undefined);

function hasAgent({ actor, object, authority, context }: Statement, wanted: Actor, related: boolean): boolean {
  if (isAgent(actor, wanted) || isAgent(actorObject(object), wanted)) return true;
  if (!related) return false;
  const inner = subStatement(object);
  return isAgent(authority, wanted) || contextHasAgent(context, wanted) || (inner !== undefined && hasAgent(inner, wanted, true));
}

function contextHasAgent(context: Context | undefined, wanted: Actor): boolean {
  return isAgent(context?.instructor, wanted) || isAgent(context?.team, wanted)
    || (context?.contextAgents ?? []).some(({ agent }) => isAgent(agent, wanted)) || (context?.contextGroups ?? []).some(({ group }) => isAgent(group, wanted));
}

function hasActivity({ object, context }: Statement | SubStatement, wanted: string, related: boolean): boolean {
  if (activityObject(object)?.id === wanted) return true;
  if (!related) return false;
  const inner = subStatement(object);
  return Object.values(context?.contextActivities ?? {}).flat().some(({ id }) => id === wanted) || (inner !== undefined && hasActivity(inner, wanted, true));
}
