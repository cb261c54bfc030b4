import { BlockList, isIPv6 } from 'node:net';
import type { FastifyPluginCallback, FastifyRequest } from 'fastify';
import '../auth/request.js';
import type { Metrics } from './metrics.js';

/** Counts every request of the server; register it at the root, before the routes. */
export const requestMetricsPlugin: FastifyPluginCallback<{ metrics: Metrics }> = (app, { metrics }, done) => {
  app.addHook('onResponse', (request, reply, next) => {
    metrics.request(request.method, request.routeOptions.url ?? 'none', reply.statusCode, reply.elapsedTime / 1000);
    next();
  });
  done();
};
Object.assign(requestMetricsPlugin, { [Symbol.for('skip-override')]: true, [Symbol.for('fastify.display-name')]: 'quipu-request-metrics' });

/** `/metrics`. Register it in a scope that has `authPlugin` with the option `openTo: fromLoopback`. */
export const metricsPlugin: FastifyPluginCallback<{ metrics: Metrics }> = (app, { metrics: { registry } }, done) => {
  app.get('/metrics', {
    config: { scope: 'monitor' },
    schema: { summary: 'Metrics for Prometheus', tags: ['operations'], produces: ['text/plain'] },
  }, async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()));
  done();
};

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

const forwarding = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip'];
const localHost = /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(:\d{1,5})?$/i;

/**
 * Whether a request was made on this machine for this machine: its connection comes from a loopback address, no proxy says
 * that it forwards, and it asks for a local host name, which no page that a browser was lured to can do. A proxy on the same
 * machine that hides all of this must refuse `/metrics` itself.
 */
export function fromLoopback(request: FastifyRequest): boolean {
  const address = request.raw.socket.remoteAddress;
  if (address === undefined || !loopback.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')) return false;
  return !forwarding.some((header) => request.headers[header] !== undefined) && localHost.test(request.headers.host ?? '');
}
