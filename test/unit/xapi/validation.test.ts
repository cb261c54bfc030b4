import t from 'tap';
import type { Json, XapiVersion } from '../../../src/xapi/types.js';
import { validateActor, validateStatement } from '../../../src/xapi/validation.js';

type JsonObject = { [key: string]: Json };

const versions: XapiVersion[] = ['1.0.3', '2.0.0'];
const uuid = '6690e6c9-3ef0-4ed3-8b37-7f3964730bee';
const iri = 'http://example.com/thing';
const sha2 = '495395e777cd98da653df9615d09c0fd6bb2f8d4788394cd53c56a3bfdcd848a';
const agent: JsonObject = { mbox: 'mailto:learner@example.com' };
const other: JsonObject = { objectType: 'Agent', account: { homePage: 'http://example.com', name: 'a' } };
const anonymous: JsonObject = { objectType: 'Group', member: [agent, other] };
const identified: JsonObject = { objectType: 'Group', mbox: 'mailto:team@example.com' };
const verb: JsonObject = { id: 'http://example.com/did', display: { 'en-US': 'did' } };
const activity: JsonObject = { objectType: 'Activity', id: iri };
const ref: JsonObject = { objectType: 'StatementRef', id: uuid };
const sub: JsonObject = { objectType: 'SubStatement', actor: agent, verb, object: activity };
const attachment: JsonObject = { usageType: iri, display: { en: 'a' }, contentType: 'text/plain', length: 27, sha2 };
const base: JsonObject = { actor: agent, verb, object: activity };
const definition = (value: JsonObject): JsonObject => ({ object: { ...activity, definition: value } });
const interaction = (interactionType: Json, rest: JsonObject = {}): JsonObject => definition({ interactionType, ...rest });
const components = (...ids: Json[]): Json => ids.map((id) => ({ id }));
const consumer: JsonObject = { account: { homePage: 'http://example.com/token', name: 'consumer' } };

/** Changes to the base statement that keep it valid. */
const valid: [string, JsonObject, XapiVersion[]?][] = [
  ['the simplest statement', {}],
  ['every property', {
    id: uuid.toUpperCase(), result: { success: true }, context: { registration: uuid }, timestamp: '2015-11-18T12:17:00+00:00', stored: '2015-11-18T12:17:00Z',
    authority: agent, version: '1.0.0', attachments: [attachment],
  }],
  ['empty objects where they are pointless', { result: {}, context: { contextActivities: {}, extensions: {} }, attachments: [] }],
  ['a future timestamp', { timestamp: '2999-01-01T00:00:00Z' }],
  ['an Agent by mbox_sha1sum', { actor: { mbox_sha1sum: 'ebd31e95054c018b10727ccffd2ef2ec3a016ee9' } }],
  ['an Agent by openid', { actor: { openid: 'http://openid.example.org/1', name: '' } }],
  ['an Agent by account', { actor: other }],
  ['an Anonymous Group', { actor: anonymous }],
  ['an Identified Group', { actor: identified }],
  ['an Identified Group with members', { actor: { ...identified, member: [agent] } }],
  ['an Identified Group with an empty list of members', { actor: { ...identified, member: [] } }],
  ['a verb without display', { verb: { id: iri } }],
  ['an Agent as object', { object: { objectType: 'Agent', ...agent } }],
  ['a Group as object', { object: anonymous }],
  ['a StatementRef as object', { object: ref }],
  ['a SubStatement as object', { object: sub }],
  ['a SubStatement with everything it may have', {
    object: { ...sub, object: ref, result: { completion: false }, context: { team: identified }, timestamp: '2999-01-01T00:00:00Z', attachments: [attachment] },
  }],
  ['an Activity without objectType', { object: { id: iri, definition: {} } }],
  ['a full definition', definition({ name: { en: 'a' }, description: { 'zh-Hant': 'b' }, type: iri, moreInfo: iri, extensions: { [iri]: null } })],
  ['any extension value', { result: { extensions: { [iri]: { a: [null, { b: null }], '': '' }, 'urn:x:y': '' } } }],
  ['a voiding statement', { verb: { id: 'http://adlnet.gov/expapi/verbs/voided' }, object: ref }],
  ['the limits of a score', { result: { score: { scaled: -1, raw: 0, min: 0, max: 0.0001 } } }],
  ['a score with raw alone', { result: { score: { raw: -1e300 } } }],
  ['a single context activity outside an array', { context: { contextActivities: { parent: activity, other: [activity, { id: 'urn:a:b' }] } } }],
  ['revision and platform with an Activity', { context: { revision: '1', platform: 'x', language: 'tlh', statement: ref } }],
  ['instructor as Group', { context: { instructor: anonymous } }],
  ['a Group as authority', { authority: { objectType: 'Group', member: [consumer, agent] } }],
  ['version 1.0', { version: '1.0' }],
  ['version 1.0.9', { version: '1.0.9' }],
  ['version 2.0.0', { version: '2.0.0' }, ['2.0.0']],
  ['contextAgents and contextGroups', {
    context: {
      contextAgents: [{ objectType: 'contextAgent', agent, relevantTypes: [iri] }, { objectType: 'contextAgent', agent: other }],
      contextGroups: [{ objectType: 'contextGroup', group: identified, relevantTypes: [iri, iri] }, { objectType: 'contextGroup', group: anonymous }],
    },
  }, ['2.0.0']],
  ['an attachment with fileUrl', { attachments: [{ ...attachment, description: { en: 'b' }, fileUrl: iri, length: 0, sha2: sha2.toUpperCase() }] }],
  ['true-false', interaction('true-false', { correctResponsesPattern: ['true', 'false'] })],
  ['choice', interaction('choice', { correctResponsesPattern: ['a[,]b', 'a', ''], choices: components('a', 'b') })],
  ['sequencing', interaction('sequencing', { correctResponsesPattern: ['b[,]a'], choices: components('a', 'b') })],
  ['fill-in', interaction('fill-in', { correctResponsesPattern: ['{case_matters=true}{lang=en}x'] })],
  ['long-fill-in', interaction('long-fill-in', { correctResponsesPattern: [] })],
  ['matching', interaction('matching', { correctResponsesPattern: ['a[.]1[,]b[.]2'], source: components('a', 'b'), target: components('1', '2') })],
  ['performance', interaction('performance', { correctResponsesPattern: ['pong[.]1:[,]dg[.]:10[,]lunch[.]'], steps: components('pong', 'dg', 'lunch') })],
  ['likert', interaction('likert', { correctResponsesPattern: ['likert_3'], scale: components('likert_3') })],
  ['numeric', interaction('numeric', { correctResponsesPattern: ['4', '4[:]', '[:]4', '-1.5e3[:].5', '[:]'] })],
  ['other', interaction('other', { correctResponsesPattern: ['(35.937432,-86.868896)'] })],
  ['an empty component list', interaction('choice', { choices: [] })],
];

/** Changes to the base statement that break a rule: pointer and rule of the error. */
const invalid: [string, JsonObject, string, string, XapiVersion[]?][] = [
  // 2.2, 2.4: shape
  ['an unknown property', { foo: 1 }, '/foo', 'unknown-property'],
  ['an own __proto__', JSON.parse('{"__proto__":{"a":1}}') as JsonObject, '/__proto__', 'unknown-property'],
  ['a key in the wrong case', { Result: {} }, '/Result', 'unknown-property'],
  ['a key that a pointer has to escape', { 'a/b~c': 1 }, '/a~1b~0c', 'unknown-property'],
  ['null', { result: null }, '/result', 'no-null'],
  ['null deeper', { actor: { ...agent, name: null } }, '/actor/name', 'no-null'],
  ['null in a language map', { verb: { id: iri, display: { en: null } } }, '/verb/display/en', 'no-null'],
  ['null in a list', { attachments: [null] }, '/attachments/0', 'no-null'],
  ['null as extensions', { context: { extensions: null } }, '/context/extensions', 'no-null'],
  // 2.4.1
  ['an id that is no UUID', { id: 'x' }, '/id', 'statement-id'],
  ['a numeric id', { id: 1 }, '/id', 'statement-id'],
  // 2.4.2
  ['an actor that is a string', { actor: 'mailto:a@b.c' }, '/actor', 'actor'],
  ['an actor that is an array', { actor: [agent] }, '/actor', 'actor'],
  ['a wrong objectType of the actor', { actor: { ...agent, objectType: 'agent' } }, '/actor/objectType', 'actor-object-type'],
  ['a numeric objectType', { actor: { ...agent, objectType: 1 } }, '/actor/objectType', 'actor-object-type'],
  ['an Activity as actor', { actor: activity }, '/actor/objectType', 'actor-object-type'],
  ['an Agent without identifier', { actor: { name: 'x' } }, '/actor', 'agent-one-identifier'],
  ['an Agent with two identifiers', { actor: { ...agent, ...other } }, '/actor', 'agent-one-identifier'],
  ['an Agent with members', { actor: { ...agent, member: [agent] } }, '/actor/member', 'unknown-property'],
  ['a numeric name', { actor: { ...agent, name: 1 } }, '/actor/name', 'actor-name'],
  ['a bad mbox', { actor: { mbox: 'a@b.c' } }, '/actor/mbox', 'mbox-mailto'],
  ['a bad mbox_sha1sum', { actor: { mbox_sha1sum: 'x' } }, '/actor/mbox_sha1sum', 'mbox-sha1sum'],
  ['a bad openid', { actor: { openid: 'x' } }, '/actor/openid', 'openid-uri'],
  ['an account without homePage', { actor: { account: { name: 'a' } } }, '/actor/account', 'account-required'],
  ['an account without name', { actor: { account: { homePage: iri } } }, '/actor/account', 'account-required'],
  ['an account with a bad homePage', { actor: { account: { homePage: 'x', name: 'a' } } }, '/actor/account/homePage', 'account-home-page'],
  ['an account with a numeric name', { actor: { account: { homePage: iri, name: 1 } } }, '/actor/account/name', 'account-name'],
  ['an account name with half a character', { actor: { account: { homePage: iri, name: 'a\ud800' } } }, '/actor/account/name', 'account-name'],
  ['an account with more', { actor: { account: { homePage: iri, name: 'a', x: 1 } } }, '/actor/account/x', 'unknown-property'],
  ['an account that is a string', { actor: { account: 'x' } }, '/actor/account', 'account'],
  ['a Group without member and identifier', { actor: { objectType: 'Group' } }, '/actor', 'anonymous-group-member'],
  ['an Anonymous Group of nobody', { actor: { objectType: 'Group', member: [] } }, '/actor/member', 'anonymous-group-member'],
  ['a Group with two identifiers', { actor: { ...identified, openid: iri } }, '/actor', 'anonymous-group-member'],
  ['a Group with members and two identifiers', { actor: { ...identified, openid: iri, member: [agent] } }, '/actor', 'group-one-identifier'],
  ['members that are no array', { actor: { objectType: 'Group', member: agent } }, '/actor/member', 'group-member'],
  ['a member that is a Group', { actor: { objectType: 'Group', member: [agent, identified] } }, '/actor/member/1/objectType', 'group-member-agent'],
  ['a member without identifier', { actor: { ...identified, member: [{ name: 'x' }] } }, '/actor/member/0', 'agent-one-identifier'],
  ['a member that is a string', { actor: { ...identified, member: ['x'] } }, '/actor/member/0', 'group-member-agent'],
  // 2.4.3
  ['a verb that is a string', { verb: 'did' }, '/verb', 'verb'],
  ['a verb without id', { verb: { display: {} } }, '/verb', 'verb-required'],
  ['a verb id that is no IRI', { verb: { id: 'did' } }, '/verb/id', 'verb-id-iri'],
  ['a display that is a string', { verb: { id: iri, display: 'did' } }, '/verb/display', 'language-map'],
  ['a display in no language', { verb: { id: iri, display: { a12345678: 'x' } } }, '/verb/display/a12345678', 'language-map-key'],
  ['a display that is a number', { verb: { id: iri, display: { en: 1 } } }, '/verb/display/en', 'language-map-value'],
  ['a language map with __proto__', { verb: { id: iri, display: JSON.parse('{"__proto__":"x"}') as Json } }, '/verb/display/__proto__', 'language-map-key'],
  ['a verb with more', { verb: { id: iri, x: 1 } }, '/verb/x', 'unknown-property'],
  // 2.4.4
  ['an object that is a string', { object: iri }, '/object', 'object'],
  ['an unknown objectType', { object: { ...activity, objectType: 'activity' } }, '/object/objectType', 'object-object-type'],
  ['an Activity without id', { object: { objectType: 'Activity' } }, '/object', 'activity-required'],
  ['an Activity id that is no IRI', { object: { id: 'x' } }, '/object/id', 'activity-id-iri'],
  ['an Activity with more', { object: { ...activity, name: 'x' } }, '/object/name', 'unknown-property'],
  ['an Agent as object without objectType', { object: agent }, '/object', 'object-actor-object-type'],
  ['a Group as object without objectType', { object: { member: [agent] } }, '/object', 'object-actor-object-type'],
  ['an Agent as object with two identifiers', { object: { ...agent, ...other } }, '/object', 'agent-one-identifier'],
  ['a StatementRef without id', { object: { objectType: 'StatementRef' } }, '/object', 'statement-ref-required'],
  ['a StatementRef with a bad id', { object: { ...ref, id: iri } }, '/object/id', 'statement-ref-id'],
  ['a StatementRef with more', { object: { ...ref, definition: {} } }, '/object/definition', 'unknown-property'],
  ['a definition that is a string', { object: { ...activity, definition: 'x' } }, '/object/definition', 'activity-definition'],
  ['a definition with more', definition({ x: 1 }), '/object/definition/x', 'unknown-property'],
  ['a type that is no IRI', definition({ type: 'x' }), '/object/definition/type', 'activity-type-iri'],
  ['a moreInfo that is no IRL', definition({ moreInfo: '/x' }), '/object/definition/moreInfo', 'activity-more-info-irl'],
  ['a name that is a string', definition({ name: 'x' }), '/object/definition/name', 'language-map'],
  ['an extension key that is no IRI', definition({ extensions: { x: 1 } }), '/object/definition/extensions/x', 'extension-key-iri'],
  ['extensions that are an array', definition({ extensions: [] }), '/object/definition/extensions', 'extensions'],
  // Interaction Activities
  ['an unknown interactionType', interaction('Choice'), '/object/definition/interactionType', 'interaction-type'],
  ['a numeric interactionType', interaction(1), '/object/definition/interactionType', 'interaction-type'],
  ['a correctResponsesPattern without interactionType', definition({ correctResponsesPattern: [] }), '/object/definition', 'interaction-type-required'],
  ...['choices', 'scale', 'source', 'target', 'steps'].map((list): [string, JsonObject, string, string] =>
    [`${list} without interactionType`, definition({ [list]: [] }), '/object/definition', 'interaction-type-required']),
  ['a correctResponsesPattern that is a string', interaction('other', { correctResponsesPattern: 'x' }), '/object/definition/correctResponsesPattern', 'correct-responses-pattern'],
  ['a response pattern that is a number', interaction('other', { correctResponsesPattern: [1] }), '/object/definition/correctResponsesPattern/0', 'response-pattern'],
  ['components that are no array', interaction('choice', { choices: {} }), '/object/definition/choices', 'interaction-components'],
  ['a component without id', interaction('choice', { choices: [{}] }), '/object/definition/choices/0', 'interaction-component-required'],
  ['a component with a numeric id', interaction('choice', { choices: components('a', 1) }), '/object/definition/choices/1/id', 'component-id'],
  ['a component with more', interaction('choice', { choices: [{ id: 'a', x: 1 }] }), '/object/definition/choices/0/x', 'unknown-property'],
  ['a component described by a string', interaction('choice', { choices: [{ id: 'a', description: 'x' }] }), '/object/definition/choices/0/description', 'language-map'],
  ['two components of one id', interaction('choice', { choices: components('a', 'b', 'a') }), '/object/definition/choices/2/id', 'component-ids-distinct'],
  ['a list of another type', interaction('choice', { scale: [] }), '/object/definition/scale', 'interaction-component-list'],
  ['a list where there is none', interaction('true-false', { choices: [] }), '/object/definition/choices', 'interaction-component-list'],
  ['neither true nor false', interaction('true-false', { correctResponsesPattern: ['true', 'True'] }), '/object/definition/correctResponsesPattern/1', 'response-pattern-format'],
  ['no number', interaction('numeric', { correctResponsesPattern: ['4:5'] }), '/object/definition/correctResponsesPattern/0', 'response-pattern-format'],
  ['no pair', interaction('matching', { correctResponsesPattern: ['a[.]1[,]b'] }), '/object/definition/correctResponsesPattern/0', 'response-pattern-format'],
  ['no step', interaction('performance', { correctResponsesPattern: ['a'] }), '/object/definition/correctResponsesPattern/0', 'response-pattern-format'],
  ['more than one item on a scale', interaction('likert', { correctResponsesPattern: ['a[,]b'] }), '/object/definition/correctResponsesPattern/0', 'response-pattern-format'],
  // SubStatements
  ...(['id', 'stored', 'version', 'authority'] as const).map((key): [string, JsonObject, string, string] =>
    [`a SubStatement with ${key}`, { object: { ...sub, [key]: { id: uuid, stored: '2015-11-18T12:17:00Z', version: '1.0.0', authority: agent }[key] } }, `/object/${key}`, 'sub-statement-properties']),
  ['a SubStatement in a SubStatement', { object: { ...sub, object: sub } }, '/object/object/objectType', 'sub-statement-nested'],
  ['a SubStatement without verb', { object: { objectType: 'SubStatement', actor: agent, object: activity } }, '/object', 'sub-statement-required'],
  ['a SubStatement with a bad actor', { object: { ...sub, actor: {} } }, '/object/actor', 'agent-one-identifier'],
  ['a SubStatement with a bad timestamp', { object: { ...sub, timestamp: 'x' } }, '/object/timestamp', 'statement-timestamp'],
  ['a SubStatement with platform beside an Agent', { object: { ...sub, object: other, context: { platform: 'x' } } }, '/object/context/platform', 'context-platform-activity'],
  ['a SubStatement with a bad score', { object: { ...sub, result: { score: { min: 1, max: 1 } } } }, '/object/result/score/min', 'score-min-below-max'],
  ['a SubStatement that voids an Activity', { object: { ...sub, verb: { id: 'http://adlnet.gov/expapi/verbs/voided' } } }, '/object/object/objectType', 'voiding-statement-ref'],
  ['a SubStatement with a bad interaction', { object: { ...sub, ...interaction('choice', { steps: [] }) } }, '/object/object/definition/steps', 'interaction-component-list'],
  ['a SubStatement with a bad context interaction', {
    object: { ...sub, context: { contextActivities: { parent: { id: iri, definition: { interactionType: 'other', steps: [] } } } } },
  }, '/object/context/contextActivities/parent/definition/steps', 'interaction-component-list'],
  // 2.3.2
  ['voiding an Activity', { verb: { id: 'http://adlnet.gov/expapi/verbs/voided' } }, '/object/objectType', 'voiding-statement-ref'],
  ['voiding a SubStatement', { verb: { id: 'http://adlnet.gov/expapi/verbs/voided' }, object: sub }, '/object/objectType', 'voiding-statement-ref'],
  // 2.4.5
  ['a result that is a string', { result: 'x' }, '/result', 'result'],
  ['a success that is a string', { result: { success: 'true' } }, '/result/success', 'result-success'],
  ['a completion that is a number', { result: { completion: 1 } }, '/result/completion', 'result-completion'],
  ['a response that is a number', { result: { response: 1 } }, '/result/response', 'result-response'],
  ['a bad duration', { result: { duration: 'P4W1D' } }, '/result/duration', 'result-duration'],
  ['a result with more', { result: { Score: {} } }, '/result/Score', 'unknown-property'],
  ['a score that is a number', { result: { score: 1 } }, '/result/score', 'score'],
  ['a score as string', { result: { score: { raw: '1' } } }, '/result/score/raw', 'score-raw'],
  ['a scaled above 1', { result: { score: { scaled: 1.01 } } }, '/result/score/scaled', 'score-scaled'],
  ['a scaled below -1', { result: { score: { scaled: -1.00001 } } }, '/result/score/scaled', 'score-scaled'],
  ['a min of max', { result: { score: { min: 1, max: 1 } } }, '/result/score/min', 'score-min-below-max'],
  ['a raw below min', { result: { score: { raw: 0, min: 1 } } }, '/result/score/raw', 'score-raw-range'],
  ['a raw above max', { result: { score: { raw: 2, max: 1 } } }, '/result/score/raw', 'score-raw-range'],
  ['a score with more', { result: { score: { total: 1 } } }, '/result/score/total', 'unknown-property'],
  // 2.4.6
  ['a context that is an array', { context: [] }, '/context', 'context'],
  ['a context with more', { context: { x: 1 } }, '/context/x', 'unknown-property'],
  ['a bad registration', { context: { registration: 'x' } }, '/context/registration', 'context-registration'],
  ['an instructor without identifier', { context: { instructor: {} } }, '/context/instructor', 'agent-one-identifier'],
  ['a team that is an Agent', { context: { team: other } }, '/context/team/objectType', 'group-object-type'],
  ['a team without objectType', { context: { team: agent } }, '/context/team', 'group-required'],
  ['a team that is a string', { context: { team: 'x' } }, '/context/team', 'group'],
  ['contextActivities that are an array', { context: { contextActivities: [] } }, '/context/contextActivities', 'context-activities'],
  ['an unknown kind of context activity', { context: { contextActivities: { Parent: [] } } }, '/context/contextActivities/Parent', 'unknown-property'],
  ['a context activity that is a string', { context: { contextActivities: { parent: iri } } }, '/context/contextActivities/parent', 'activity'],
  ['a context activity that is an Agent', { context: { contextActivities: { parent: [activity, other] } } }, '/context/contextActivities/parent/1', 'activity-required'],
  ['a context activity of another objectType', { context: { contextActivities: { grouping: { id: iri, objectType: 'Agent' } } } }, '/context/contextActivities/grouping/objectType', 'activity-object-type'],
  ['a context activity with a bad interaction', { context: { contextActivities: { other: [activity, { id: iri, definition: { interactionType: 'likert', choices: [] } }] } } },
    '/context/contextActivities/other/1/definition/choices', 'interaction-component-list'],
  ['a revision beside an Agent', { object: other, context: { revision: 'x' } }, '/context/revision', 'context-revision-activity'],
  ['a platform beside a StatementRef', { object: ref, context: { platform: 'x' } }, '/context/platform', 'context-platform-activity'],
  ['a platform beside a SubStatement', { object: sub, context: { platform: 'x' } }, '/context/platform', 'context-platform-activity'],
  ['a numeric revision', { context: { revision: 1 } }, '/context/revision', 'context-revision'],
  ['a numeric platform', { context: { platform: 1 } }, '/context/platform', 'context-platform'],
  ['a bad language', { context: { language: 'something' } }, '/context/language', 'context-language'],
  ['a context statement without objectType', { context: { statement: { id: uuid } } }, '/context/statement', 'statement-ref-required'],
  ['a context statement with a bad id', { context: { statement: { ...ref, id: 'x' } } }, '/context/statement/id', 'statement-ref-id'],
  ['a SubStatement as context statement', { context: { statement: { objectType: 'SubStatement', id: uuid } } }, '/context/statement/objectType', 'statement-ref-object-type'],
  ['contextAgents in 1.0.3', { context: { contextAgents: [] } }, '/context/contextAgents', 'unknown-property', ['1.0.3']],
  ['contextGroups in 1.0.3', { context: { contextGroups: [] } }, '/context/contextGroups', 'unknown-property', ['1.0.3']],
  ['contextAgents that are no array', { context: { contextAgents: {} } }, '/context/contextAgents', 'context-agents', ['2.0.0']],
  ['a contextAgent of another objectType', { context: { contextAgents: [{ objectType: 'contextGroup', agent }] } }, '/context/contextAgents/0/objectType', 'context-agent-object-type', ['2.0.0']],
  ['a contextAgent without objectType', { context: { contextAgents: [{ agent }] } }, '/context/contextAgents/0', 'context-agent-required', ['2.0.0']],
  ['a contextAgent without agent', { context: { contextAgents: [{ objectType: 'contextAgent' }] } }, '/context/contextAgents/0', 'context-agent-required', ['2.0.0']],
  ['a contextAgent that is a Group', { context: { contextAgents: [{ objectType: 'contextAgent', agent: identified }] } }, '/context/contextAgents/0/agent/objectType', 'context-agent-agent', ['2.0.0']],
  ['a contextAgent with more', { context: { contextAgents: [{ objectType: 'contextAgent', agent, x: 1 }] } }, '/context/contextAgents/0/x', 'unknown-property', ['2.0.0']],
  ['no relevantTypes', { context: { contextAgents: [{ objectType: 'contextAgent', agent, relevantTypes: [] }] } }, '/context/contextAgents/0/relevantTypes', 'relevant-types', ['2.0.0']],
  ['a relevantType that is no IRI', { context: { contextGroups: [{ objectType: 'contextGroup', group: identified, relevantTypes: ['abc'] }] } },
    '/context/contextGroups/0/relevantTypes/0', 'relevant-type-iri', ['2.0.0']],
  ['a contextGroup that is an Agent', { context: { contextGroups: [{ objectType: 'contextGroup', group: other }] } }, '/context/contextGroups/0/group/objectType', 'group-object-type', ['2.0.0']],
  // 2.4.7 to 2.4.10
  ['a bad timestamp', { timestamp: '2008-09-15T15:53:00.601-00:00' }, '/timestamp', 'statement-timestamp'],
  ['a bad stored', { stored: 'yesterday' }, '/stored', 'statement-stored'],
  ['an Identified Group as authority', { authority: { ...identified, member: [consumer, agent] } }, '/authority', 'authority-anonymous-group'],
  ['an authority of one', { authority: { objectType: 'Group', member: [agent] } }, '/authority/member', 'authority-two-agents'],
  ['an authority of three', { authority: { objectType: 'Group', member: [agent, consumer, other] } }, '/authority/member', 'authority-two-agents'],
  ['an authority of nobody', { authority: { objectType: 'Group' } }, '/authority', 'authority-two-agents-required'],
  ['an authority of a bad Agent', { authority: { objectType: 'Group', member: [agent, {}] } }, '/authority/member/1', 'agent-one-identifier'],
  ['an authority that is an Activity', { authority: activity }, '/authority/objectType', 'actor-object-type'],
  ['an authority that is a string', { authority: 'x' }, '/authority', 'authority'],
  ['version 0.9.9', { version: '0.9.9' }, '/version', 'statement-version'],
  ['version 1.1.0', { version: '1.1.0' }, '/version', 'statement-version'],
  ['version 2.0.0 in 1.0.3', { version: '2.0.0' }, '/version', 'statement-version', ['1.0.3']],
  ['a numeric version', { version: 1 }, '/version', 'statement-version'],
  // 2.4.11
  ['attachments that are an object', { attachments: attachment }, '/attachments', 'statement-attachments'],
  ...['usageType', 'display', 'contentType', 'length', 'sha2'].map((key): [string, JsonObject, string, string] => {
    const { [key]: _dropped, ...rest } = attachment;
    return [`an attachment without ${key}`, { attachments: [rest] }, '/attachments/0', 'attachment-required'];
  }),
  ['a bad usageType', { attachments: [attachment, { ...attachment, usageType: 'x' }] }, '/attachments/1/usageType', 'attachment-usage-type'],
  ['a bad contentType', { attachments: [{ ...attachment, contentType: 'x' }] }, '/attachments/0/contentType', 'attachment-content-type'],
  ['a fractional length', { attachments: [{ ...attachment, length: 1.5 }] }, '/attachments/0/length', 'attachment-length'],
  ['a negative length', { attachments: [{ ...attachment, length: -1 }] }, '/attachments/0/length', 'attachment-length'],
  ['a length as string', { attachments: [{ ...attachment, length: '1' }] }, '/attachments/0/length', 'attachment-length'],
  ['a bad sha2', { attachments: [{ ...attachment, sha2: 'x' }] }, '/attachments/0/sha2', 'attachment-sha2'],
  ['a bad fileUrl', { attachments: [{ ...attachment, fileUrl: 'x' }] }, '/attachments/0/fileUrl', 'attachment-file-url'],
  ['a title that is a string', { attachments: [{ ...attachment, display: 'x' }] }, '/attachments/0/display', 'language-map'],
  ['an attachment with more', { attachments: [{ ...attachment, fileURL: iri }] }, '/attachments/0/fileURL', 'unknown-property'],
];

for (const version of versions) {
  t.test(`${version}: valid statements`, async (t) => {
    for (const [name, change, only] of valid) {
      if (only?.includes(version) ?? true) t.equal(validateStatement({ ...base, ...change }, version, 0)?.message, undefined, name);
    }
  });

  t.test(`${version}: invalid statements`, async (t) => {
    const standard = version === '1.0.3' ? /^xAPI 1\.0\.3 Part Two \d/ : /^IEEE 9274\.1\.1 4\.2/;
    for (const [name, change, pointer, rule, only] of invalid) {
      if (!(only?.includes(version) ?? true)) continue;
      const statement: JsonObject = {};
      for (const source of [base, change]) for (const key of Object.keys(source)) Object.defineProperty(statement, key, { value: source[key], enumerable: true, configurable: true });
      const error = validateStatement(statement, version, 7);
      t.match(error, { code: 'invalid-statement', status: 400, details: { statement: 7, pointer, rule, section: standard, expected: /\w/ } }, name);
      const { section, expected } = error?.details ?? {};
      for (const part of ['Statement 7', rule, section, expected, pointer]) t.ok(error?.message.includes(String(part)), `${name}: the message names ${part}`);
    }
  });

  t.test(`${version}: missing actor, verb or object, and bodies that are no statement`, async (t) => {
    for (const key of ['actor', 'verb', 'object']) {
      const { [key]: _dropped, ...rest } = base;
      const error = validateStatement(rest, version);
      t.match(error, { details: { statement: undefined, pointer: '', rule: 'statement-required' } }, key);
      t.ok(error?.message.includes(`"${key}"`));
    }
    for (const value of [null, 1, 'x', [], [base], true]) t.equal(validateStatement(value, version)?.code, 'invalid-statement');
  });
}

t.test('a message says what was meant', async (t) => {
  t.match(validateStatement({ ...base, Actor: agent }, '1.0.3', 2)?.message,
    'Statement 2 breaks the rule unknown-property (xAPI 1.0.3 Part Two 2.2) at "/Actor": the property "Actor" is not one of the standard here; right would be: "actor", spelled so.');
  t.match(validateStatement({ ...base, actor: { ...agent, ...other } }, '2.0.0', 0)?.message,
    'Statement 0 breaks the rule agent-one-identifier (IEEE 9274.1.1 4.2.2.1) at "/actor": mbox and account are there; right would be: exactly one of mbox, mbox_sha1sum, openid and account.');
  t.ok((validateStatement({ ...base, verb: { id: 'x'.repeat(100_000) } }, '1.0.3')?.message.length ?? 0) < 400, 'a long value is cut');
});

t.test('a value is not changed', async (t) => {
  const statement = { ...base, context: { contextActivities: { parent: activity } } };
  const before = JSON.stringify(statement);
  validateStatement(statement, '1.0.3');
  validateStatement(statement, '2.0.0');
  t.equal(JSON.stringify(statement), before);
});

t.test('the agent parameter', async (t) => {
  for (const version of versions) {
    for (const value of [agent, other, identified, { ...identified, member: [agent] }]) t.equal(validateActor(value, version), undefined);
    t.match(validateActor(anonymous, version), { code: 'invalid-parameter', details: { parameter: 'agent', rule: 'identified-group' } });
    t.match(validateActor({ ...agent, ...other }, version, 'related'), { code: 'invalid-parameter', details: { parameter: 'related', rule: 'agent-one-identifier' } });
    t.match(validateActor({ mbox: 'x' }, version), { details: { pointer: '/mbox', rule: 'mbox-mailto' } });
    for (const value of [null, 1, 'x', [], {}, activity]) t.equal(validateActor(value, version)?.code, 'invalid-parameter');
  }
});

t.test('hostile statements are judged in linear time', async (t) => {
  const long = 'a'.repeat(2_000_000);
  const wide = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`urn:x:${i}`, i]));
  const hostile: [JsonObject, boolean][] = [
    [{ result: { response: long } }, true],
    [{ object: { id: `http://example.com/${long}` } }, true],
    [{ verb: { id: long } }, false],
    [{ actor: { mbox: `mailto:${long}` } }, false],
    [{ actor: { mbox: `mailto:a@${'a.'.repeat(1_000_000)}` } }, false],
    [{ result: { duration: `PT${'1'.repeat(2_000_000)}` } }, false],
    [{ timestamp: `2015-11-18T12:17:00.${'1'.repeat(2_000_000)}` }, true],
    [{ context: { language: `en-${long}` } }, false],
    [{ context: { extensions: wide } }, true],
    [{ ...wide }, false],
    [{ attachments: [{ ...attachment, contentType: `a/${long}` }] }, true],
    [interaction('choice', { choices: components(...Array.from({ length: 100_000 }, (_, i) => `c${i}`)) }), true],
    [interaction('matching', { correctResponsesPattern: ['a[.]b[,]'.repeat(200_000)] }), false],
    [interaction('numeric', { correctResponsesPattern: ['1'.repeat(2_000_000).concat('x')] }), false],
    [{ actor: { objectType: 'Group', member: Array.from({ length: 50_000 }, () => agent) } }, true],
  ];
  for (const [index, [change, fits]] of hostile.entries()) {
    const started = process.hrtime.bigint();
    t.equal(validateStatement({ ...base, ...change }, '1.0.3') === undefined, fits, `case ${index}`);
    t.ok(Number(process.hrtime.bigint() - started) < 2e9, `case ${index} takes less than two seconds`);
  }
  let deep: Json = 1;
  for (let i = 0; i < 100_000; i++) deep = [deep];
  t.equal(validateStatement({ ...base, result: { extensions: { [iri]: deep } } }, '1.0.3'), undefined, 'extension values are not walked');
});

t.test('mutated statements are judged, never thrown at, and 2.0 admits all that 1.0.3 does', async (t) => {
  const full: JsonObject = {
    ...base, ...interaction('matching', { correctResponsesPattern: ['a[.]1'], source: components('a'), target: components('1'), extensions: { [iri]: [null] } }),
    id: uuid, actor: anonymous, result: { score: { scaled: 0, raw: 1, min: 0, max: 2 }, duration: 'PT1S', success: true, extensions: {} },
    context: { registration: uuid, instructor: other, team: identified, contextActivities: { parent: [activity], other: activity }, statement: ref, language: 'en', revision: 'x' },
    timestamp: '2015-11-18T12:17:00Z', authority: { objectType: 'Group', member: [consumer, agent] }, version: '1.0.0', attachments: [attachment],
  };
  const nested: JsonObject = { ...base, object: { ...sub, ...interaction('likert', { scale: components('x') }), context: { platform: 'x', team: anonymous } } };
  const junk: Json[] = [
    null, true, 0, -1, 1.5, '', 'x', iri, uuid, 'Group', 'Agent', 'Activity', 'SubStatement', 'StatementRef', [], [null], [[]], [activity], {}, agent, identified, anonymous,
    activity, ref, sub, { objectType: 'Group' }, { interactionType: 'choice' }, JSON.parse('{"__proto__":null}') as Json, { constructor: 1, toString: null, hasOwnProperty: 1 }, '\ud800',
  ];
  let state = 42;
  const random = (below: number): number => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) % below;
  const mutate = (value: Json): void => {
    if (typeof value !== 'object' || value === null) return;
    const container = value as JsonObject;
    const keys = Object.keys(container);
    const key = keys[random(keys.length || 1)];
    const deeper = key === undefined ? undefined : container[key];
    if (key !== undefined && typeof deeper === 'object' && deeper !== null && random(5) > 0) return mutate(deeper);
    if (key !== undefined && random(6) === 0) delete container[key];
    else container[random(4) === 0 ? (['mbox', 'objectType', 'id', 'member', 'definition', 'choices'][random(6)] as string) : (key ?? 'x')] = structuredClone(junk[random(junk.length)] as Json);
  };
  const verdicts = { fits: 0, breaks: 0 };
  for (let round = 0; round < 5_000; round++) {
    const statement = structuredClone(round % 3 === 0 ? nested : full);
    for (let times = random(3); times >= 0; times--) mutate(statement);
    const first = validateStatement(statement, '1.0.3', round);
    const second = validateStatement(statement, '2.0.0', round);
    if (first === undefined) {
      verdicts.fits++;
      if (second !== undefined) t.fail(`2.0 refuses ${JSON.stringify(statement)}: ${second.message}`);
    } else {
      verdicts.breaks++;
      if (!/^(\/|$)/.test(first.details.pointer ?? 'none') || first.details.rule === undefined) t.fail(first.message);
    }
  }
  t.ok(verdicts.fits > 100 && verdicts.breaks > 1000, JSON.stringify(verdicts));
});
