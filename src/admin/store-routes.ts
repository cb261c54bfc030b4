import type { FastifyInstance } from 'fastify';
import { storeState } from './schema.js';

/** Route `/v1/store`. @param faults faults of the store that only an operator can mend, each a sentence */
export function storeRoutes(app: FastifyInstance, { faults }: { faults(): Promise<string[]> }): void {
  app.get('/store', {
    config: { scope: ['admin', 'monitor'] },
    schema: { summary: 'Say what of the store an operator has to mend', tags: ['operations'], response: { 200: storeState } },
  }, async () => ({ faults: await faults() }));
}
