const tenant = {
  type: 'string', maxLength: 40,
  description: "The tenant this is about; the credential's own when left out. Only the scope `admin` may name another.",
} as const;

const moment = (description: string) => ({ type: 'string', maxLength: 64, description: `${description}, ISO 8601` }) as const;
const count = { type: 'integer', minimum: 0 } as const;
/** Query string of an import. */
export const importQuery = { type: 'object', additionalProperties: false, properties: { tenant } } as const;

/** Query string of an export. */
export const exportQuery = {
  type: 'object', additionalProperties: false,
  properties: { tenant, since: moment('Only what was stored after this'), until: moment('Only what was stored at or before this') },
} as const;

/** What became of an import. */
export const importReport = {
  type: 'object', required: ['stored', 'duplicates', 'refused', 'refusals'],
  properties: {
    stored: count,
    duplicates: { ...count, description: 'Statements that were stored before with equivalent content' },
    refused: count,
    refusals: {
      type: 'array', description: 'The first thousand of the refused lines',
      items: {
        type: 'object', required: ['line', 'error', 'message'],
        properties: {
          line: { type: 'integer', minimum: 1, description: 'Line of the body' }, id: { type: 'string' }, error: { type: 'string', description: 'Code of the error registry' },
          message: { type: 'string' }, pointer: { type: 'string' }, rule: { type: 'string' }, section: { type: 'string' }, expected: { type: 'string' },
        },
      },
    },
  },
} as const;
