/** What a backup says of itself. */
export const manifest = {
  type: 'object', required: ['format', 'layout', 'engine', 'version', 'started', 'tenants'],
  properties: {
    format: { type: 'string' },
    layout: { type: 'integer', description: "Version of the archive's layout" },
    engine: { type: 'string', description: 'Engine of the store; a backup is restored into the same' },
    version: { type: 'integer', description: 'Version of the data in that engine' },
    started: { type: 'string', description: 'ISO 8601 in UTC: what was answered before is in the backup' },
    tenants: {
      type: 'array',
      items: { type: 'object', required: ['id', 'statements'], properties: { id: { type: 'string' }, statements: { type: 'integer', minimum: 0 } } },
    },
  },
} as const;
