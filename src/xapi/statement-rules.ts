import { sectionOf, type Topic } from './sections.js';
import { componentLists } from './statement-schema.js';
import type { ActivityDefinition, Activity, Context, InteractionComponent, Statement, SubStatement, XapiVersion } from './types.js';

/** A rule that a schema can not say, broken at a place. */
export interface BrokenRule {
  /** RFC 6901 pointer into the statement. */
  pointer: string;
  rule: string;
  section: string;
  /** What is there. */
  fault: string;
  /** What would be right. */
  expected: string;
}

/** The reserved verb (xAPI 1.0.3 Part Two 2.3.2, IEEE 9274.1.1 4.2.5). */
export const voidedVerb = 'http://adlnet.gov/expapi/verbs/voided';

/** Which lists each interaction type may have (xAPI 1.0.3 Part Two 2.4.4.1, IEEE 9274.1.1 4.2.2.3); the other types have none. */
const listsOfType: Record<string, readonly string[]> = {
  choice: ['choices'],
  sequencing: ['choices'],
  likert: ['scale'],
  matching: ['source', 'target'],
  performance: ['steps'],
};

const decimal = '[+-]?(?:\\d+(?:\\.\\d*)?|\\.\\d+)(?:[eE][+-]?\\d+)?';
const numericPattern = new RegExp(`^(?:${decimal}|(?:${decimal})?\\[:\\](?:${decimal})?)$`);

/**
 * Checks the rules that span properties.
 * @param statement one that has passed the schema of its version
 * @returns the first rule broken, or undefined
 */
export function findBrokenRule(statement: Statement | SubStatement, version: XapiVersion, at = ''): BrokenRule | undefined {
  const { object, context, result } = statement;
  const broken = (pointer: string, rule: string, topic: Topic, fault: string, expected: string): BrokenRule => ({
    pointer: at + pointer, rule, section: sectionOf(topic, version), fault, expected,
  });

  if (statement.verb.id === voidedVerb && object.objectType !== 'StatementRef') {
    return broken('/object/objectType', 'voiding-statement-ref', 'voiding', 'a statement with the verb "voided" has another object than a StatementRef',
      'an object with "objectType": "StatementRef" and the id of the statement to void');
  }
  if (object.objectType === undefined || object.objectType === 'Activity') {
    const fault = findBrokenDefinition((object as Activity).definition, version, `${at}/object/definition`);
    if (fault !== undefined) return fault;
  } else if (context?.revision !== undefined || context?.platform !== undefined) {
    const property = context.revision === undefined ? 'platform' : 'revision';
    return broken(`/context/${property}`, `context-${property}-activity`, 'context', `"${property}" is used though the object is a ${object.objectType}`,
      `"${property}" only when the object is an Activity`);
  }
  if (object.objectType === 'SubStatement') {
    const fault = findBrokenRule(object, version, `${at}/object`);
    if (fault !== undefined) return fault;
  }
  return findBrokenScore(result?.['score'] as Score | undefined, broken) ?? findBrokenContext(context, version, at);
}

interface Score {
  raw?: number;
  min?: number;
  max?: number;
}

type Report = (pointer: string, rule: string, topic: Topic, fault: string, expected: string) => BrokenRule;

/** xAPI 1.0.3 Part Two 2.4.5.1, IEEE 9274.1.1 4.2.2.4. */
function findBrokenScore(score: Score | undefined, broken: Report): BrokenRule | undefined {
  if (score === undefined) return undefined;
  const { raw, min, max } = score;
  if (min !== undefined && max !== undefined && min >= max) {
    return broken('/result/score/min', 'score-min-below-max', 'score', `min is ${min} and max is ${max}`, 'a min less than max');
  }
  if (raw !== undefined && ((min !== undefined && raw < min) || (max !== undefined && raw > max))) {
    return broken('/result/score/raw', 'score-raw-range', 'score', `raw is ${raw}, outside ${min ?? '…'} to ${max ?? '…'}`, 'a raw score from min to max');
  }
  return undefined;
}

function findBrokenContext(context: Context | undefined, version: XapiVersion, at: string): BrokenRule | undefined {
  const activities = context?.contextActivities;
  if (activities === undefined) return undefined;
  for (const key of ['parent', 'grouping', 'category', 'other'] as const) {
    const value: Activity[] | Activity | undefined = activities[key];
    if (value === undefined) continue;
    const pointer = `${at}/context/contextActivities/${key}`;
    if (!Array.isArray(value)) {
      const fault = findBrokenDefinition((value as Activity).definition, version, `${pointer}/definition`);
      if (fault !== undefined) return fault;
      continue;
    }
    for (const [index, activity] of value.entries()) {
      if (activity.definition?.interactionType === undefined) continue;
      const fault = findBrokenDefinition(activity.definition, version, `${pointer}/${index}/definition`);
      if (fault !== undefined) return fault;
    }
  }
  return undefined;
}

/** Interaction Activities: xAPI 1.0.3 Part Two 2.4.4.1, IEEE 9274.1.1 4.2.2.3. */
function findBrokenDefinition(definition: ActivityDefinition | undefined, version: XapiVersion, at: string): BrokenRule | undefined {
  const type = definition?.interactionType;
  if (definition === undefined || type === undefined) return undefined;
  const broken: Report = (pointer, rule, topic, fault, expected) => ({ pointer: at + pointer, rule, section: sectionOf(topic, version), fault, expected });
  const allowed = listsOfType[type] ?? [];
  for (const list of componentLists) {
    const components = definition[list];
    if (components === undefined) continue;
    if (!allowed.includes(list)) {
      return broken(`/${list}`, 'interaction-component-list', 'activity', `an interaction of type ${type} has no "${list}"`,
        allowed.length === 0 ? 'no component list' : allowed.join(' and '));
    }
    const repeated = findRepeatedId(components);
    if (repeated !== undefined) {
      return broken(`/${list}/${repeated}/id`, 'component-ids-distinct', 'activity', 'an earlier component of the list has the same id', 'an id once in its list');
    }
  }
  for (const [index, pattern] of (definition.correctResponsesPattern ?? []).entries()) {
    const expected = expectedPattern(type, pattern);
    if (expected !== undefined) {
      return broken(`/correctResponsesPattern/${index}`, 'response-pattern-format', 'activity', `it does not fit the interaction type ${type}`, expected);
    }
  }
  return undefined;
}

/** @returns the index of the first component whose id came before. */
function findRepeatedId(components: InteractionComponent[]): number | undefined {
  if (components.length < 2) return undefined;
  const seen = new Set<string>();
  for (const [index, { id }] of components.entries()) {
    if (seen.has(id)) return index;
    seen.add(id);
  }
  return undefined;
}

/**
 * Judges a response pattern by its form alone; whether its ids are in the component lists is left open, as the lists may be
 * in another statement. An empty pattern stands for an empty list.
 * @returns undefined when it fits, else what would
 */
function expectedPattern(type: string, pattern: string): string | undefined {
  switch (type) {
    case 'true-false':
      return pattern === 'true' || pattern === 'false' ? undefined : '"true" or "false"';
    case 'numeric':
      return numericPattern.test(pattern) ? undefined : 'a number, or a range such as 1[:]4, 1[:] or [:]4';
    case 'matching':
      return everyItem(pattern, (item) => item.split('[.]').length === 2) ? undefined : 'pairs such as a[.]1[,]b[.]2';
    case 'performance':
      return everyItem(pattern, (item) => item.includes('[.]')) ? undefined : 'steps with responses such as a[.]1:4[,]b[.]text';
    case 'likert':
      return pattern.includes('[,]') ? 'a single item id' : undefined;
    default:
      return undefined;
  }
}

function everyItem(pattern: string, fits: (item: string) => boolean): boolean {
  return pattern === '' || pattern.split('[,]').every(fits);
}
