import type { Account, Actor } from './types.js';

/** What the Agents Resource answers: a person with everything known of an agent, each property an array (xAPI 1.0.3 Part Three 2.4). */
export interface Person {
  objectType: 'Person';
  name?: string[];
  mbox?: string[];
  mbox_sha1sum?: string[];
  openid?: string[];
  account?: Account[];
}

/**
 * The Person for an Agent (xAPI 1.0.3 Part Three 2.4). An Agent nobody has heard of gives a Person with what the request
 * itself says. Quipu never guesses that two identifiers are one person, so there is one identifier.
 *
 * @param names under which the agent was seen; the name in `agent` is added when it isn't among them, and not empty
 */
export function personOf(agent: Actor, names: string[]): Person {
  const all = new Set(names);
  if (agent.name !== undefined && agent.name !== '') all.add(agent.name);
  return {
    objectType: 'Person',
    ...(all.size > 0 && { name: [...all] }),
    ...(agent.mbox !== undefined && { mbox: [agent.mbox] }),
    ...(agent.mbox_sha1sum !== undefined && { mbox_sha1sum: [agent.mbox_sha1sum] }),
    ...(agent.openid !== undefined && { openid: [agent.openid] }),
    ...(agent.account !== undefined && { account: [{ homePage: agent.account.homePage, name: agent.account.name }] }),
  };
}
