import type { FastifyPluginCallback } from 'fastify';
import { QuipuError } from '../xapi/errors.js';
import '../auth/request.js';

/** Looks at one part of the server. @throws anything when it does not work */
export type HealthCheck = () => Promise<void>;

/** What `healthPlugin` needs. */
export interface HealthOptions {
  /** By name of the component. */
  checks: Readonly<Record<string, HealthCheck>>;
  /** States of components that are shown and decide nothing, because storing and reading statements works without them. */
  observed?: Readonly<Record<string, () => { status: string; code?: string }>>;
}

type Component = { status: string; code?: string };
interface Readiness {
  status: 'ready' | 'unready';
  components: Record<string, Component>;
}

/** How long one look at the components serves for all who ask, in milliseconds: nobody can wear out the disk by asking. */
const freshness = 1000;
const patience = 5000;

const readiness = {
  type: 'object', required: ['status', 'components'],
  properties: {
    status: { type: 'string' },
    components: { type: 'object', additionalProperties: { type: 'object', required: ['status'], properties: { status: { type: 'string' }, code: { type: 'string' } } } },
  },
} as const;

/**
 * `/health/live`: the process answers. `/health/ready`: 200 when every component works, 503 otherwise; a component that
 * does not answer within five seconds has failed. Components that are only observed are named and change nothing. Open to
 * everybody, so it names codes and no details.
 */
export const healthPlugin: FastifyPluginCallback<HealthOptions> = (app, { checks, observed = {} }, done) => {
  let latest: { at: number; readiness: Promise<Readiness> } | undefined;

  app.get('/health/live', {
    config: { open: true },
    schema: { summary: 'Say that the process answers', tags: ['operations'], response: { 200: { type: 'object', properties: { status: { type: 'string' } } } } },
  }, async () => ({ status: 'ok' }));

  app.get('/health/ready', {
    config: { open: true },
    schema: { summary: 'Say whether every component works', tags: ['operations'], response: { 200: readiness, 503: readiness } },
  }, async (_request, reply) => {
    if (!latest || Date.now() - latest.at > freshness) latest = { at: Date.now(), readiness: look(checks) };
    const result = await latest.readiness;
    const components = { ...result.components, ...Object.fromEntries(Object.entries(observed).map(([name, state]) => [name, state()])) };
    return reply.code(result.status === 'ready' ? 200 : 503).header('Cache-Control', 'no-store').send({ ...result, components });
  });
  done();
};

async function look(checks: HealthOptions['checks']): Promise<Readiness> {
  const components: Record<string, Component> = {};
  await Promise.all(Object.entries(checks).map(async ([name, check]) => {
    components[name] = await outcome(check);
  }));
  return { status: Object.values(components).every(({ status }) => status === 'ok') ? 'ready' : 'unready', components };
}

async function outcome(check: HealthCheck): Promise<Component> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Component>((resolve) => {
    timer = setTimeout(() => resolve({ status: 'failed', code: 'timeout' }), patience);
  });
  const looked = check().then((): Component => ({ status: 'ok' }), (error: unknown): Component => ({ status: 'failed', code: error instanceof QuipuError ? error.code : 'internal' }));
  try {
    return await Promise.race([looked, late]);
  } finally {
    clearTimeout(timer);
  }
}
