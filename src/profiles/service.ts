import type { DocumentAddress, UnconditionalPut } from '../documents/service.js';
import type { DocumentKey, DocumentScope } from '../documents/store.js';
import { readAgent, readIri, readText, readTimestamp, rejectUnknown, required, type Query } from '../xapi/parameters.js';
import type { XapiVersion } from '../xapi/types.js';

/** How the parameters of a request are read. */
export interface ProfileRules {
  version: XapiVersion;
  /** Deepest nesting of the JSON in `agent`. */
  maxDepth: number;
}

/** Agent Profile or Activity Profile: whose documents they are is all they differ in. */
export interface ProfileResource {
  resource: 'agent-profile' | 'activity-profile';
  /** The parameter that names the owner. */
  owner: 'agent' | 'activityId';
  section: string;
}

/** Agent Profile Resource. */
export const agentProfile: ProfileResource = { resource: 'agent-profile', owner: 'agent', section: 'xAPI 1.0.3 Part Three 2.6; IEEE 9274.1.1 4.1.6.5' };
/** Activity Profile Resource. */
export const activityProfile: ProfileResource = { resource: 'activity-profile', owner: 'activityId', section: 'xAPI 1.0.3 Part Three 2.7; IEEE 9274.1.1 4.1.6.6' };

/** What iSpring's content sends with every GET, for it makes the addresses of all document resources alike. It means nothing here. */
const strays: Record<ProfileResource['resource'], readonly string[]> = { 'agent-profile': ['activityId', 'registration'], 'activity-profile': ['agent', 'registration'] };

/**
 * The profile document that a PUT, POST or DELETE is about; there is no deletion of several.
 * @throws QuipuError `invalid-parameter`
 */
export function profileKey(profile: ProfileResource, query: Query, rules: ProfileRules): DocumentKey {
  const { owner, section } = profile;
  rejectUnknown(query, [owner, 'profileId'], section);
  return { ...profileOwner(profile, query, rules), id: required(readText(query, 'profileId', section), 'profileId', section) };
}

/**
 * What a GET is about: with `profileId` one document (a `since` beside it is checked and means nothing), without it a list.
 * @throws QuipuError `invalid-parameter`
 */
export function profileAddress(profile: ProfileResource, query: Query, rules: ProfileRules): DocumentAddress {
  const { resource, owner, section } = profile;
  rejectUnknown(query, [owner, 'profileId', 'since', ...strays[resource]], section);
  const scope = profileOwner(profile, query, rules);
  const id = readText(query, 'profileId', section);
  const since = readTimestamp(query, 'since', section);
  if (id !== undefined) return { kind: 'document', key: { ...scope, id } };
  return { kind: 'scope', scope, ...(since === undefined ? {} : { since }) };
}

/** 1.0.3 Part Three 3.1 asks for a precondition with every PUT; IEEE 9274.1.1 4.1.4 only where a document exists. */
export function unconditionalProfilePut(version: XapiVersion): UnconditionalPut {
  return version === '1.0.3' ? 'refuse' : 'create';
}

function profileOwner({ resource, owner, section }: ProfileResource, query: Query, { version, maxDepth }: ProfileRules): DocumentScope & { registration?: undefined } {
  if (owner === 'activityId') return { resource, activity: required(readIri(query, owner, section), owner, section) };
  const agent = readAgent(query, owner, { version, groups: version !== '1.0.3', maxDepth }, section);
  return { resource, agent: required(agent, owner, section).identifier };
}
