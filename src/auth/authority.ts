import { QuipuError } from '../xapi/errors.js';
import type { Actor, Json } from '../xapi/types.js';
import { validateActor } from '../xapi/validation.js';

/**
 * Judges what is to be an authority or a person: an Agent, not a Group (xAPI 1.0.3 Part Two 2.4.9).
 * @param pointer where the value stands in the request's body
 * @throws QuipuError `invalid-request` that names the rule broken
 */
export function parseAgent(value: unknown, pointer: string): Actor {
  const fault = validateActor(value as Json, '2.0.0', pointer.slice(1));
  if (fault) throw new QuipuError('invalid-request', fault.message, { ...fault.details, parameter: undefined, pointer: pointer + (fault.details.pointer ?? '') });
  const actor = value as Actor;
  if (actor.objectType === 'Group') {
    throw new QuipuError('invalid-request', 'Here stands a Group, where it takes an Agent.', { pointer, expected: '{"mbox":"mailto:ann@example.org"} or the like' });
  }
  return actor;
}
