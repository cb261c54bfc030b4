import { sectionOf, type Topic } from './sections.js';
import type { XapiVersion } from './types.js';

/** A JSON Schema object with our annotations `rule`, `section` and `expected`, and the keywords `countOf` and `noneOf`. */
export interface RuleSchema {
  [keyword: string]: unknown;
}

/** The properties that identify an Agent or an Identified Group; exactly one is used. */
export const identifiers = ['mbox', 'mbox_sha1sum', 'openid', 'account'] as const;

/** Values of `interactionType` (xAPI 1.0.3 Part Two 2.4.4.1, IEEE 9274.1.1 4.2.2.3). */
export const interactionTypes = [
  'true-false', 'choice', 'fill-in', 'long-fill-in', 'matching', 'performance', 'sequencing', 'likert', 'numeric', 'other',
] as const;

/** The properties that hold lists of interaction components. */
export const componentLists = ['choices', 'scale', 'source', 'target', 'steps'] as const;

/**
 * Builds the JSON Schema of statements of one version. Each subschema that states a rule names it (`rule`), cites it
 * (`section`) and says what is right (`expected`); validation.ts turns them into messages. `objectType` selects by
 * if/then/else, so that the first error is the real one.
 * Definitions `actor`, `statement` and so on are under `definitions`; the root is the statement.
 */
export function buildStatementSchema(version: XapiVersion): RuleSchema {
  const second = version === '2.0.0';

  /** The annotations of a rule. */
  const cite = (rule: string, topic: Topic, expected: string): RuleSchema => ({ rule, section: sectionOf(topic, version), expected });

  const text = (rule: string, topic: Topic): RuleSchema => ({ type: 'string', ...cite(rule, topic, 'a string') });
  const formatted = (format: string, rule: string, topic: Topic, expected: string): RuleSchema => ({ type: 'string', format, ...cite(rule, topic, expected) });
  const iri = (rule: string, topic: Topic): RuleSchema => formatted('iri', rule, topic, 'an absolute IRI with a scheme, such as http://example.com/thing');
  const uuid = (rule: string, topic: Topic): RuleSchema => formatted('uuid', rule, topic, 'a UUID such as fd41c918-b88b-4b20-a0a5-a4c32391aaa0');
  const timestamp = (rule: string, topic: Topic): RuleSchema => formatted('timestamp', rule, topic, 'an ISO 8601 timestamp such as 2015-11-18T12:17:00.000Z');
  const listOf = (items: RuleSchema, rule: string, topic: Topic, expected: string): RuleSchema => ({ type: 'array', items, ...cite(rule, topic, expected) });
  const refTo = (name: string): RuleSchema => ({ $ref: `#/definitions/${name}` });
  const typeConst = (value: string): RuleSchema => ({ properties: { objectType: { const: value } }, required: ['objectType'] });
  const closed = (properties: RuleSchema, required: string[], annotations: RuleSchema): RuleSchema => ({
    type: 'object', properties, required, additionalProperties: false, ...annotations,
  });

  const languageMap: RuleSchema = {
    type: 'object',
    propertyNames: formatted('language-tag', 'language-map-key', 'languageMaps', 'an RFC 5646 language tag such as en-US'),
    additionalProperties: text('language-map-value', 'languageMaps'),
    ...cite('language-map', 'languageMaps', 'an object of strings by language tag, such as {"en-US": "text"}'),
  };

  const extensions: RuleSchema = {
    type: 'object',
    propertyNames: iri('extension-key-iri', 'extensions'),
    ...cite('extensions', 'extensions', 'an object whose keys are IRIs'),
  };

  const account = closed(
    {
      homePage: iri('account-home-page', 'account'),
      name: formatted('identifier-text', 'account-name', 'account', 'a string of whole characters'),
    },
    ['homePage', 'name'],
    cite('account', 'account', 'an object with homePage and name'),
  );

  const identification: RuleSchema = {
    name: text('actor-name', 'agent'),
    mbox: formatted('mailto', 'mbox-mailto', 'identifier', 'a mailto IRI such as mailto:learner@example.com'),
    mbox_sha1sum: formatted('sha1', 'mbox-sha1sum', 'identifier', 'the SHA-1 of a mailto IRI as 40 hex digits'),
    openid: formatted('uri', 'openid-uri', 'identifier', 'an absolute URI'),
    account: refTo('account'),
  };

  const oneIdentifier = 'exactly one of mbox, mbox_sha1sum, openid and account';
  const countIdentifiers = (min: number, rule: string, topic: Topic, expected = oneIdentifier): RuleSchema => ({
    type: 'object', countOf: { names: identifiers, min, max: 1 }, ...cite(rule, topic, expected),
  });

  /** An Agent; `objectType` is judged by whoever refers to it. */
  const agent: RuleSchema = {
    allOf: [countIdentifiers(1, 'agent-one-identifier', 'agent')],
    ...closed({ objectType: { const: 'Agent', ...cite('agent-object-type', 'agent', '"Agent"') }, ...identification }, [],
      cite('agent', 'agent', 'an Agent object such as {"mbox": "mailto:learner@example.com"}')),
  };

  /** An Agent in a place where no Group may stand. */
  const agentOnly = (rule: string, topic: Topic, expected: string): RuleSchema => ({
    type: 'object',
    allOf: [{ type: 'object', properties: { objectType: { const: 'Agent', ...cite(rule, topic, expected) } } }, refTo('agent')],
    ...cite(rule, topic, expected),
  });

  const members = listOf(agentOnly('group-member-agent', 'group', 'Agents only, no Group in member'), 'group-member', 'group', 'an array of Agents');

  const group: RuleSchema = {
    type: 'object',
    allOf: [
      typedObject({ const: 'Group', ...cite('group-object-type', 'group', '"Group"') }, cite('group', 'group', 'a Group object with "objectType": "Group"')),
      {
        if: { type: 'object', required: ['member'] },
        then: {
          allOf: [countIdentifiers(0, 'group-one-identifier', 'group')],
          if: { type: 'object', countOf: { names: identifiers, min: 0, max: 0 } },
          then: {
            type: 'object',
            properties: { member: { type: 'array', minItems: 1, ...cite('anonymous-group-member', 'group', 'at least one Agent in member, as the Group has no identifier') } },
          },
        },
        else: countIdentifiers(1, 'anonymous-group-member', 'group', `${oneIdentifier}, or member for an Anonymous Group`),
      },
    ],
    ...closed({ objectType: { const: 'Group' }, ...identification, member: members }, [], cite('group', 'group', 'a Group object')),
  };

  const actor: RuleSchema = {
    type: 'object',
    allOf: [
      { type: 'object', properties: { objectType: { enum: ['Agent', 'Group'], ...cite('actor-object-type', 'agent', '"Agent" or "Group"') } } },
    ],
    if: { type: 'object', ...typeConst('Group') },
    then: refTo('group'),
    else: refTo('agent'),
    ...cite('actor', 'agent', 'an Agent or Group object'),
  };

  const authority: RuleSchema = {
    type: 'object',
    if: { type: 'object', ...typeConst('Group') },
    then: {
      allOf: [
        {
          type: 'object', countOf: { names: identifiers, min: 0, max: 0 },
          ...cite('authority-anonymous-group', 'authority', 'an Agent, or a Group of two Agents without an identifier of its own'),
        },
        {
          type: 'object', required: ['member'],
          properties: { member: { type: 'array', minItems: 2, maxItems: 2, ...cite('authority-two-agents', 'authority', 'exactly two Agents: the OAuth consumer and the user') } },
          ...cite('authority-two-agents', 'authority', 'exactly two Agents: the OAuth consumer and the user'),
        },
        refTo('group'),
      ],
    },
    else: refTo('actor'),
    ...cite('authority', 'authority', 'an Agent, or a Group of two Agents'),
  };

  const verb = closed(
    { id: iri('verb-id-iri', 'verb'), display: refTo('languageMap') },
    ['id'],
    cite('verb', 'verb', 'an object with id and display'),
  );

  const component = closed(
    { id: text('component-id', 'activity'), description: refTo('languageMap') },
    ['id'],
    cite('interaction-component', 'activity', 'an object with id and description'),
  );

  const components = listOf(component, 'interaction-components', 'activity', 'an array of interaction components');

  const definition: RuleSchema = {
    allOf: [
      {
        if: { countOf: { names: ['correctResponsesPattern', ...componentLists], min: 0, max: 0 } },
        else: {
          type: 'object', required: ['interactionType'],
          ...cite('interaction-type', 'activity', 'interactionType beside correctResponsesPattern, choices, scale, source, target or steps'),
        },
      },
    ],
    ...closed(
      {
        name: refTo('languageMap'),
        description: refTo('languageMap'),
        type: iri('activity-type-iri', 'activity'),
        moreInfo: iri('activity-more-info-irl', 'activity'),
        extensions: refTo('extensions'),
        interactionType: { enum: [...interactionTypes], ...cite('interaction-type', 'activity', `one of ${interactionTypes.join(', ')}`) },
        correctResponsesPattern: listOf(text('response-pattern', 'activity'), 'correct-responses-pattern', 'activity', 'an array of strings'),
        ...Object.fromEntries(componentLists.map((list) => [list, refTo('components')])),
      },
      [],
      cite('activity-definition', 'activity', 'an Activity Definition object'),
    ),
  };

  const activity = closed(
    {
      objectType: { const: 'Activity', ...cite('activity-object-type', 'activity', '"Activity" or no objectType') },
      id: iri('activity-id-iri', 'activity'),
      definition: refTo('definition'),
    },
    ['id'],
    cite('activity', 'activity', 'an Activity object with an id'),
  );

  const statementRef = closed(
    { objectType: { const: 'StatementRef', ...cite('statement-ref-object-type', 'objectStatement', '"StatementRef"') }, id: uuid('statement-ref-id', 'objectStatement') },
    ['objectType', 'id'],
    cite('statement-ref', 'objectStatement', 'a StatementRef object with objectType and id'),
  );

  /** An Activity in the place of a statement's object: an actor without objectType is named as such. */
  const objectActivity: RuleSchema = {
    allOf: [
      {
        type: 'object', noneOf: [...identifiers, 'member'],
        ...cite('object-actor-object-type', 'objectActor', '"objectType": "Agent" or "Group", which an actor in the place of the object must say'),
      },
      refTo('activity'),
    ],
  };

  /** The object of a statement, or of a SubStatement, which holds none itself. */
  const objectOf = (nested: boolean): RuleSchema => {
    const known = ['Activity', 'Agent', 'Group', 'StatementRef', ...(nested ? [] : ['SubStatement'])];
    const wrongType = {
      type: 'object',
      properties: {
        objectType: {
          enum: known,
          ...(nested
            ? cite('sub-statement-nested', 'objectStatement', `one of ${known.join(', ')}: a SubStatement holds no SubStatement`)
            : cite('object-object-type', 'object', `one of ${known.join(', ')}`)),
        },
      },
    };
    const branch = (objectType: string, then: RuleSchema, otherwise: RuleSchema): RuleSchema => ({
      if: { type: 'object', ...typeConst(objectType) }, then, else: otherwise,
    });
    const actors = branch('Agent', refTo('agent'), branch('Group', refTo('group'), branch('StatementRef', refTo('statementRef'),
      nested ? wrongType : branch('SubStatement', refTo('subStatement'), wrongType))));
    return {
      type: 'object',
      if: { type: 'object', properties: { objectType: { const: 'Activity' } } },
      then: objectActivity,
      else: actors,
      ...cite('object', 'object', 'an Activity, Agent, Group, StatementRef or SubStatement object'),
    };
  };

  const number = (rule: string, limits: RuleSchema, expected: string): RuleSchema => ({ type: 'number', ...limits, ...cite(rule, 'score', expected) });

  const score = closed(
    {
      scaled: number('score-scaled', { minimum: -1, maximum: 1 }, 'a number from -1 to 1'),
      raw: number('score-raw', {}, 'a number'),
      min: number('score-min', {}, 'a number'),
      max: number('score-max', {}, 'a number'),
    },
    [],
    cite('score', 'score', 'a Score object'),
  );

  const boolean = (rule: string): RuleSchema => ({ type: 'boolean', ...cite(rule, 'result', 'true or false, not as a string') });

  const result = closed(
    {
      score: refTo('score'),
      success: boolean('result-success'),
      completion: boolean('result-completion'),
      response: text('result-response', 'result'),
      duration: formatted('duration', 'result-duration', 'durations', 'an ISO 8601 duration such as PT1H30M5.25S or P4W'),
      extensions: refTo('extensions'),
    },
    [],
    cite('result', 'result', 'a Result object'),
  );

  /** Single Activities are admitted for statements in the form of 0.95. */
  const contextActivityList: RuleSchema = {
    if: { type: 'array' },
    then: { type: 'array', items: refTo('activity') },
    else: refTo('activity'),
  };

  const contextActivities = closed(
    Object.fromEntries(['parent', 'grouping', 'category', 'other'].map((key) => [key, refTo('contextActivityList')])),
    [],
    cite('context-activities', 'contextActivities', 'an object with parent, grouping, category and other'),
  );

  const relevantTypes: RuleSchema = {
    ...listOf(iri('relevant-type-iri', 'context'), 'relevant-types', 'context', 'an array of one or more Activity type IRIs'),
    minItems: 1,
  };

  const contextActor = (objectType: string, key: string, schema: RuleSchema, rule: string): RuleSchema =>
    closed(
      { objectType: { const: objectType, ...cite(`${rule}-object-type`, 'context', `"${objectType}"`) }, [key]: schema, relevantTypes },
      ['objectType', key],
      cite(rule, 'context', `an object with objectType "${objectType}" and ${key}`),
    );

  const context = closed(
    {
      registration: uuid('context-registration', 'registration'),
      instructor: refTo('actor'),
      team: refTo('group'),
      contextActivities: refTo('contextActivities'),
      ...(second
        ? {
            contextAgents: listOf(contextActor('contextAgent', 'agent', agentOnly('context-agent-agent', 'context', 'an Agent; Groups go into contextGroups'), 'context-agent'), 'context-agents', 'context', 'an array of contextAgent objects'),
            contextGroups: listOf(contextActor('contextGroup', 'group', refTo('group'), 'context-group'), 'context-groups', 'context', 'an array of contextGroup objects'),
          }
        : {}),
      revision: text('context-revision', 'context'),
      platform: text('context-platform', 'context'),
      language: formatted('language-tag', 'context-language', 'context', 'an RFC 5646 language tag such as en-US'),
      statement: refTo('statementRef'),
      extensions: refTo('extensions'),
    },
    [],
    cite('context', 'context', 'a Context object'),
  );

  const attachment = closed(
    {
      usageType: iri('attachment-usage-type', 'attachments'),
      display: refTo('languageMap'),
      description: refTo('languageMap'),
      contentType: formatted('media-type', 'attachment-content-type', 'attachments', 'an Internet media type such as text/plain'),
      length: { type: 'integer', minimum: 0, ...cite('attachment-length', 'attachments', 'the number of octets, an integer') },
      sha2: formatted('sha2', 'attachment-sha2', 'attachments', 'a SHA-224, SHA-256, SHA-384 or SHA-512 hash in hex'),
      fileUrl: iri('attachment-file-url', 'attachments'),
    },
    ['usageType', 'display', 'contentType', 'length', 'sha2'],
    cite('attachment', 'attachments', 'an Attachment object with usageType, display, contentType, length and sha2'),
  );

  const common: RuleSchema = {
    actor: refTo('actor'),
    verb: refTo('verb'),
    result: refTo('result'),
    context: refTo('context'),
    timestamp: timestamp('statement-timestamp', 'timestamps'),
    attachments: listOf(refTo('attachment'), 'statement-attachments', 'attachments', 'an array of Attachment objects'),
  };

  const unfit: RuleSchema = { not: {}, ...cite('sub-statement-properties', 'objectStatement', 'no id, stored, version or authority in a SubStatement') };

  const subStatement = closed(
    { objectType: { const: 'SubStatement' }, ...common, object: objectOf(true), id: unfit, stored: unfit, version: unfit, authority: unfit },
    ['actor', 'verb', 'object'],
    cite('sub-statement', 'objectStatement', 'a SubStatement with actor, verb and object'),
  );

  return {
    $id: `urn:quipu:statement:${version}`,
    definitions: {
      languageMap, extensions, account, agent, group, actor, authority, verb, components, definition, activity, statementRef,
      subStatement, score, result, contextActivityList, contextActivities, context, attachment,
    },
    ...closed(
      {
        id: uuid('statement-id', 'id'),
        ...common,
        object: objectOf(false),
        stored: timestamp('statement-stored', 'stored'),
        authority: refTo('authority'),
        version: formatted(second ? 'known-line-version' : 'first-line-version', 'statement-version', 'version', second ? '2.0.0 (any 1.0.x or 2.0.x)' : '1.0.0 (any 1.0.x)'),
      },
      ['actor', 'verb', 'object'],
      cite('statement', 'formatting', 'actor, verb and object'),
    ),
  };
}

/** Asks for an object whose objectType is there and passes a schema. */
function typedObject(objectType: RuleSchema, annotations: RuleSchema): RuleSchema {
  return { type: 'object', properties: { objectType }, required: ['objectType'], ...annotations };
}
