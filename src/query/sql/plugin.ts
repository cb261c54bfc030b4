import type { FastifyInstance } from 'fastify';
import type { SqlInterface } from './interface.js';

export interface SqlPluginOptions {
  answer: SqlInterface;
}

/** ClickHouse's HTTP interface under the prefix it is registered with. It judges credentials itself, in ClickHouse's words, and allows no other origin. */
export async function sqlPlugin(app: FastifyInstance, { answer }: SqlPluginOptions): Promise<void> {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  for (const path of ['/', '/ping'] as const) {
    app.route({
      method: ['GET', 'POST'], url: path, compress: false, decompress: false, config: { open: true }, schema: { hide: true },
      handler: async (request, reply) => {
        reply.hijack();
        await answer(request.raw, reply.raw, path, request.ip);
      },
    } as Parameters<typeof app.route>[0]);
  }
}
