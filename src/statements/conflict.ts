import { QuipuError } from '../xapi/errors.js';

/** The error for an id that is taken by other content. @param index place of the statement in its request */
export function statementConflict(id: string, index?: number): QuipuError {
  const place = index === undefined ? 'The' : `Statement ${index}: the`;
  return new QuipuError('statement-conflict', `${place} id ${id} is that of a stored statement with other content; nothing of the request was stored.`,
    { ...(index === undefined ? {} : { statement: index }), pointer: '/id', rule: 'statement-immutable', section: 'xAPI 1.0.3 Part Two 2.3.1, Part Three 2.1; IEEE 9274.1.1 4.1.6.1', expected: 'a new id, or exactly the stored content' });
}
