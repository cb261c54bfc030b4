/** JSON Schema of an error as routes answer it, for the description of the API. */
export const problem = {
  type: 'object', additionalProperties: true, description: 'An error of the registry (docs/errors.md)',
  properties: { error: { type: 'string', description: 'A code of the registry' }, message: { type: 'string' }, requestId: { type: 'string' } },
} as const;
