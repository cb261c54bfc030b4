/** The dependency rule of ARCHITECTURE.md: main -> server -> features -> feed, documents, records, jobs, tracing -> xapi; adapters know ports alone. */
const features = 'about|activities|admin|agents|alternate-request|auth|backup|cmi5|live|migration|profiles|query|state-api|statements|transfer';

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    { name: 'xapi-is-pure', comment: 'The pure model imports nothing of the program.', severity: 'error', from: { path: '^src/xapi/' }, to: { path: '^src/', pathNot: '^src/xapi/' } },
    { name: 'xapi-does-no-io', severity: 'error', from: { path: '^src/xapi/' }, to: { path: '^(node:)?(fs|net|http|https|child_process|worker_threads)' } },
    {
      name: 'one-file-names-adapters', comment: 'Nothing but the choice of the store imports adapters.', severity: 'error',
      from: { path: '^src/', pathNot: '^src/(storage/|server/storage\\.ts$)' }, to: { path: '^src/storage/' },
    },
    {
      name: 'adapters-know-ports', comment: 'An adapter imports ports and the pure model.', severity: 'error',
      from: { path: '^src/storage/' }, to: { path: '^src/', pathNot: '^src/(storage/|xapi/|[a-z0-9-]+/[a-z0-9-]*store\\.ts$)' },
    },
    {
      name: 'features-below-server', severity: 'error',
      from: { path: `^src/(${features}|feed|documents|records|jobs|tracing)/` }, to: { path: '^src/(server/|main\\.ts|config\\.ts|cli/)' },
    },
    {
      name: 'services-know-no-http', comment: 'A service knows nothing of Fastify.', severity: 'error',
      from: { path: '^src/.*service\\.ts$' }, to: { path: 'node_modules/(fastify|@fastify)' },
    },
    {
      name: 'feed-documents-records-jobs-are-lower', severity: 'error',
      from: { path: '^src/(feed|documents|records|jobs)/' }, to: { path: `^src/(${features})/`, pathNot: '^src/(statements/store\\.ts|auth/(credential|policy)\\.ts)$' },
    },
    {
      name: 'features-meet-in-services', comment: 'A feature reaches another through its service or its port.', severity: 'error',
      from: { path: `^src/(${features})/` },
      to: { path: `^src/(${features})/`, pathNot: ['^src/$1/', '^src/[a-z0-9-]+/[a-z0-9-]*(service|store)\\.ts$', '^src/auth/(authority|credential|permissions|policy|request)\\.ts$'] },
    },
    { name: 'traces-when-asked-for', comment: 'OpenTelemetry is loaded when it is configured.', severity: 'error', from: {}, to: { path: '^src/tracing/otlp-tracing\\.ts$', dynamic: false } },
    { name: 'one-file-names-opentelemetry', severity: 'error', from: { path: '^src/', pathNot: '^src/tracing/otlp-tracing\\.ts$' }, to: { path: 'node_modules/@opentelemetry' } },
    { name: 'no-orphans', severity: 'error', from: { orphan: true, pathNot: ['\\.d\\.ts$', '^src/query/console/'] }, to: {} },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    { name: 'no-dev-dependencies', severity: 'error', from: { path: '^src/' }, to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['npm', 'type-only'] } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
