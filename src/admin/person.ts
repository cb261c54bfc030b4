import { createHash } from 'node:crypto';
import { agentIdentifier } from '../xapi/actors.js';
import { signatureUsageType } from '../xapi/attachments.js';
import { isActor, isSubStatement } from '../xapi/statement-objects.js';
import type { StatementKey } from '../xapi/statement-keys.js';
import type { Actor, Context, Statement, StatementObject } from '../xapi/types.js';

/** Somebody whose data is asked for, or to go. */
export interface Person {
  /** Canonical identifiers: the one given, and for an mbox its SHA-1 sums too, which name the same person. */
  identifiers: string[];
  /** What finds every statement that names them; also some that only refer to one of those. */
  filter: StatementKey[][];
  is(actor: Actor): boolean;
}

/** @param agent a valid Agent */
export function createPerson(agent: Actor): Person {
  const own = agentIdentifier(agent);
  const identifiers = new Set(own === undefined ? [] : [own]);
  if (agent.mbox !== undefined) {
    for (const mbox of [agent.mbox, own?.slice('mbox:'.length) ?? agent.mbox]) {
      identifiers.add(`mbox_sha1sum:${createHash('sha1').update(mbox, 'utf8').digest('hex')}`);
    }
  }
  return {
    identifiers: [...identifiers],
    filter: [[...identifiers].flatMap((identifier) => ['A', 'R', 'U'].map((kind) => kind + identifier))],
    is: (actor) => identifiers.has(agentIdentifier(actor) ?? ''),
  };
}

/** What an erasure does to one statement. */
export type Verdict = 'unrelated' | 'erase' | { redacted: Statement };

/**
 * Decides what becomes of a statement when a person is erased.
 * - It goes when its Actor or Object is the person, or an Anonymous Group of nobody else.
 * - It goes when it names the person anywhere and is signed: the signature holds its text (xAPI 1.0.3 Part Two 2.6).
 * - It stays with `replacement` in the person's place where others speak of them: authority, instructor, team, member of a
 *   Group, context agents and groups, anywhere in a SubStatement.
 * Extensions, results and ids are not searched: nothing says what in them is a person.
 * @param statement is not changed
 */
export function judgeStatement(statement: Statement, person: Person, replacement: Actor): Verdict {
  if (isAbout(statement.actor, person) || (isActor(statement.object) && isAbout(statement.object, person))) return 'erase';
  const redaction = new Redaction(person, replacement);
  const redacted = redaction.statement(statement);
  if (!redaction.found) return 'unrelated';
  return statement.attachments?.some(({ usageType }) => usageType === signatureUsageType) ? 'erase' : { redacted };
}

function isAbout(actor: Actor, person: Person): boolean {
  if (person.is(actor)) return true;
  const members = actor.member ?? [];
  return agentIdentifier(actor) === undefined && members.length > 0 && members.every((member) => person.is(member));
}

/** Copies what changes and shares the rest. */
class Redaction {
  found = false;

  constructor(private readonly person: Person, private readonly replacement: Actor) {}

  statement(statement: Statement): Statement {
    return {
      ...statement,
      actor: this.actor(statement.actor),
      object: this.object(statement.object),
      ...(statement.authority && { authority: this.actor(statement.authority) }),
      ...(statement.context && { context: this.context(statement.context) }),
    };
  }

  private object(object: StatementObject): StatementObject {
    if (isActor(object)) return this.actor(object);
    if (!isSubStatement(object)) return object;
    return {
      ...object,
      actor: this.actor(object.actor),
      object: isActor(object.object) ? this.actor(object.object) : object.object,
      ...(object.context && { context: this.context(object.context) }),
    };
  }

  private context(context: Context): Context {
    return {
      ...context,
      ...(context.instructor && { instructor: this.actor(context.instructor) }),
      ...(context.team && { team: this.actor(context.team) }),
      ...(context.contextAgents && { contextAgents: context.contextAgents.map((item) => ({ ...item, agent: this.actor(item.agent) })) }),
      ...(context.contextGroups && { contextGroups: context.contextGroups.map((item) => ({ ...item, group: this.actor(item.group) })) }),
    };
  }

  private actor(actor: Actor): Actor {
    const member = actor.member?.map((one) => this.one(one));
    return this.one(member ? { ...actor, member } : actor);
  }

  /** A Group whose identifier is the person's stays a Group, with its members. */
  private one(actor: Actor): Actor {
    if (!this.person.is(actor)) return actor;
    this.found = true;
    return actor.objectType === 'Group' ? { ...this.replacement, objectType: 'Group', ...(actor.member && { member: actor.member }) } : this.replacement;
  }
}

/** Whether a statement itself names the person, not only one that it refers to. */
export function names(statement: Statement, person: Person): boolean {
  return judgeStatement(statement, person, {}) !== 'unrelated';
}
