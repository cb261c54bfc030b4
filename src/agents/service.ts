import type { Credential } from '../auth/credential.js';
import type { CanonicalStore } from '../statements/store.js';
import { readAgent, rejectUnknown, required, type Query } from '../xapi/parameters.js';
import { personOf, type Person } from '../xapi/persons.js';
import type { XapiVersion } from '../xapi/types.js';

const section = 'xAPI 1.0.3 Part Three 2.4; IEEE 9274.1.1 4.1.6.3';

/** How the parameters of a request are read. */
export interface AgentsRules {
  version: XapiVersion;
  /** Deepest nesting of the JSON in `agent`. */
  maxDepth: number;
}

/**
 * The Person object of the agent that a request asks for: its own identifier, and the names it was seen under. An agent
 * that was never seen is answered from the request alone, never with 404. Several identifiers are never brought together:
 * nothing tells Quipu that two of them are one person.
 * @throws QuipuError `invalid-parameter`, for a Group too
 */
export async function findPerson(canonical: CanonicalStore, { tenant, policy }: Credential, query: Query, { version, maxDepth }: AgentsRules): Promise<Person> {
  rejectUnknown(query, ['agent'], section);
  const agent = required(readAgent(query, 'agent', { version, groups: false, maxDepth }, section), 'agent', section);
  await policy?.admitDocument({ resource: 'agent', method: 'GET', agent: agent.identifier });
  return personOf(agent.actor, await canonical.names(tenant, agent.identifier));
}
