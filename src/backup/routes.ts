import type { FastifyInstance } from 'fastify';
import type { BackupOptions } from './plugin.js';
import { manifest } from './schema.js';

/** Registers `/backup` and `/backup/manifest`. */
export function backupRoutes(app: FastifyInstance, { backup }: BackupOptions): void {
  const tags = ['operations'];

  app.get('/backup/manifest', {
    config: { scope: 'admin' },
    schema: { summary: 'Say what a backup would hold', tags, response: { 200: manifest } },
  }, () => backup.manifest());

  app.get('/backup', {
    exposeHeadRoute: false,
    config: { scope: 'admin' },
    schema: {
      summary: 'Give out a backup of the whole server',
      description: 'A tar for `quipu restore`, taken at one moment while the server goes on. Its last entry, totals.json, tells a complete one from one that was cut off.',
      tags, produces: ['application/x-tar'], response: {},
    },
  }, async (_request, reply) => {
    const archive = backup.archive(await backup.manifest());
    return reply.type('application/x-tar').header('Cache-Control', 'no-store').send(archive);
  });
}
