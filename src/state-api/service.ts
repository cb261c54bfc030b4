import type { DocumentAddress, UnconditionalPut } from '../documents/service.js';
import type { DocumentKey, DocumentScope } from '../documents/store.js';
import { readAgent, readIri, readText, readTimestamp, readUuid, rejectUnknown, required, type Query } from '../xapi/parameters.js';
import type { XapiVersion } from '../xapi/types.js';

const section = 'xAPI 1.0.3 Part Three 2.3; IEEE 9274.1.1 4.1.6.2';
const context = ['activityId', 'agent', 'registration'] as const;

/** How the parameters of a request are read. */
export interface StateRules {
  version: XapiVersion;
  /** Deepest nesting of the JSON in `agent`. */
  maxDepth: number;
}

/**
 * The State document that a PUT or POST is about. Without `registration` it is the document that has none.
 * @throws QuipuError `invalid-parameter`
 */
export function stateKey(query: Query, rules: StateRules): DocumentKey {
  rejectUnknown(query, [...context, 'stateId'], section);
  const scope = stateScope(query, rules);
  return toKey(scope, required(readText(query, 'stateId', section), 'stateId', section));
}

/**
 * What a GET is about: with `stateId` one document (a `since` beside it is checked and means nothing), without it a list.
 * @throws QuipuError `invalid-parameter`
 */
export function stateAddress(query: Query, rules: StateRules): DocumentAddress {
  rejectUnknown(query, [...context, 'stateId', 'since'], section);
  const scope = stateScope(query, rules);
  const id = readText(query, 'stateId', section);
  const since = readTimestamp(query, 'since', section);
  if (id !== undefined) return { kind: 'document', key: toKey(scope, id) };
  return { kind: 'scope', scope, ...(since === undefined ? {} : { since }) };
}

/**
 * What a DELETE is about. `since` is refused: to ignore it would delete more than the client means.
 * @throws QuipuError `invalid-parameter`
 */
export function stateDeletion(query: Query, rules: StateRules): DocumentAddress {
  rejectUnknown(query, [...context, 'stateId'], section);
  return stateAddress(query, rules);
}

/** 1.0.3 Part Three 3.1 permits a PUT of State without a precondition; IEEE 9274.1.1 4.1.4 refuses it where a document exists. */
export function unconditionalStatePut(version: XapiVersion): UnconditionalPut {
  return version === '1.0.3' ? 'overwrite' : 'create';
}

/**
 * The context of State: "Activity + Agent [+ registration if specified]". Where `registration` is not specified, a list or a
 * deletion of many is about the documents of every registration and those of none.
 */
function stateScope(query: Query, { version, maxDepth }: StateRules): DocumentScope {
  const activity = required(readIri(query, 'activityId', section), 'activityId', section);
  const agent = required(readAgent(query, 'agent', { version, groups: version !== '1.0.3', maxDepth }, section), 'agent', section);
  const registration = readUuid(query, 'registration', section);
  return { resource: 'state', activity, agent: agent.identifier, ...(registration === undefined ? {} : { registration }) };
}

function toKey({ activity, agent, registration }: DocumentScope, id: string): DocumentKey {
  return { resource: 'state', activity, agent, ...(typeof registration === 'string' ? { registration } : {}), id };
}
