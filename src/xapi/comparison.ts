import stableStringify from 'fast-json-stable-stringify';
import { lowerCaseDomain } from './actors.js';
import { contextActivityKinds, contextActivityList } from './context-activities.js';
import { truncateDuration } from './durations.js';
import { isActivity, isActor, isStatementRef } from './statement-objects.js';
import { parseTimestamp } from './timestamps.js';
import type { Activity, Actor, Attachment, Context, ContextActivities, Json, LanguageMap, Statement, StatementObject, SubStatement, Verb } from './types.js';

/**
 * Whether two statements match by the Statement Comparison Requirements (xAPI 1.0.3 Part Two 2.3.1; IEEE 9274.1.1 keeps
 * them). Not looked at: `authority`, `stored`, `version`, the `display` of Verbs and the definitions of Activities; the
 * order of a Group's members; the letter case of UUIDs, mail domains, hashes, language tags and media types; how a
 * timestamp is written (they are compared as instants, to the millisecond); what a duration says beyond 0.01 s; one
 * context activity outside an array; an `objectType` that says what its absence means. Everything else counts, so do the
 * headers in `attachments` (2.4 lists them among the properties of a Statement; only the data isn't part of it).
 *
 * @param stored the statement as it is stored; `id` and `timestamp` it was given by the LRS may be missing in `incoming`
 * @param incoming the statement as it arrives, valid. For the payload of a signature the caller takes the signature's own
 * attachment out of `stored` first (2.6: the payload is the Statement before the signature was added).
 */
export function equivalentStatements(stored: Statement, incoming: Statement): boolean {
  if (stored.id !== undefined && incoming.id !== undefined && stored.id.toLowerCase() !== incoming.id.toLowerCase()) return false;
  return equalTimestamps(stored, incoming) && comparisonForm(stored) === comparisonForm(incoming);
}

/** A timestamp that `incoming` lacks was set by the LRS when it is the instant of `stored` (xAPI 1.0.3 Part Two 2.4.7). */
function equalTimestamps(stored: Statement, incoming: Statement): boolean {
  if (incoming.timestamp !== undefined) {
    return stored.timestamp !== undefined && instant(stored.timestamp) === instant(incoming.timestamp);
  }
  if (stored.timestamp === undefined) return true;
  return stored.stored !== undefined && instant(stored.timestamp) === instant(stored.stored);
}

/** One text for all statements that match, but for `id` and `timestamp`. */
function comparisonForm(statement: Statement): string {
  return stableStringify({
    ...statementForm(statement),
    id: undefined,
    timestamp: undefined,
    stored: undefined,
    authority: undefined,
    version: undefined,
  });
}

function statementForm(statement: Statement | SubStatement): object {
  return {
    ...statement,
    actor: actorForm(statement.actor),
    verb: verbForm(statement.verb),
    object: objectForm(statement.object),
    result: statement.result && resultForm(statement.result),
    context: statement.context && contextForm(statement.context),
    attachments: statement.attachments?.map(attachmentForm),
  };
}

function objectForm(object: StatementObject): object {
  if (isActivity(object)) return activityForm(object);
  if (isActor(object)) return actorForm(object);
  if (isStatementRef(object)) return referenceForm(object);
  return { ...statementForm(object), timestamp: object.timestamp && instant(object.timestamp) };
}

function actorForm(actor: Actor): object {
  return {
    ...actor,
    objectType: actor.objectType === 'Agent' ? undefined : actor.objectType,
    mbox: actor.mbox && lowerCaseDomain(actor.mbox),
    mbox_sha1sum: actor.mbox_sha1sum?.toLowerCase(),
    member: actor.member?.map((member) => stableStringify(actorForm(member))).sort(),
  };
}

function verbForm(verb: Verb): object {
  return { ...verb, display: undefined };
}

function activityForm(activity: Activity): object {
  return { ...activity, objectType: undefined, definition: undefined };
}

function referenceForm<T extends { id: string }>(reference: T): object {
  return { ...reference, id: reference.id.toLowerCase() };
}

function resultForm(result: Record<string, Json>): object {
  return typeof result.duration === 'string' ? { ...result, duration: durationForm(result.duration) } : result;
}

function contextForm(context: Context): object {
  return {
    ...context,
    registration: context.registration?.toLowerCase(),
    language: context.language?.toLowerCase(),
    instructor: context.instructor && actorForm(context.instructor),
    team: context.team && actorForm(context.team),
    statement: context.statement && referenceForm(context.statement),
    contextActivities: context.contextActivities && contextActivitiesForm(context, context.contextActivities),
    contextAgents: context.contextAgents?.map((entry) => ({ ...entry, agent: actorForm(entry.agent) })),
    contextGroups: context.contextGroups?.map((entry) => ({ ...entry, group: actorForm(entry.group) })),
  };
}

function contextActivitiesForm(context: Context, activities: ContextActivities): object {
  const form: Record<string, unknown> = { ...activities };
  for (const kind of contextActivityKinds) {
    if (activities[kind] !== undefined) form[kind] = contextActivityList(context, kind).map(activityForm);
  }
  return form;
}

function attachmentForm(attachment: Attachment): object {
  return {
    ...attachment,
    contentType: lowerCaseMediaType(attachment.contentType),
    sha2: attachment.sha2.toLowerCase(),
    display: languageMapForm(attachment.display),
    description: attachment.description && languageMapForm(attachment.description),
  };
}

/** As a sorted list, so that two tags that differ in case alone are both kept. */
function languageMapForm(map: LanguageMap): string[] {
  return Object.entries(map).map(([tag, text]) => JSON.stringify([tag.toLowerCase(), text])).sort();
}

/** Type and subtype are case insensitive (RFC 2045 5.1), the values of parameters need not be. */
function lowerCaseMediaType(contentType: string): string {
  const end = contentType.indexOf(';');
  return end < 0 ? contentType.toLowerCase() : contentType.slice(0, end).toLowerCase() + contentType.slice(end);
}

/**
 * A duration cut to 0.01 s and without zeros that then end the fraction, for PT1.001S says no more than PT1S within that
 * precision (xAPI 1.0.3 Part Two 4.6); apart from that it is a string (2.3.1), so PT60S is not PT1M.
 */
function durationForm(duration: string): string {
  return truncateDuration(duration).replace(/[.,]00?S$/, 'S').replace(/([.,]\d)0S$/, '$1S');
}

/** Milliseconds since the epoch, or the text itself where it is no timestamp. */
function instant(timestamp: string): number | string {
  return parseTimestamp(timestamp) ?? timestamp;
}
