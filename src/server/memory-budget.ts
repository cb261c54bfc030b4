import type { FastifyInstance } from 'fastify';
import { QuipuError } from '../xapi/errors.js';

/**
 * Bounds the memory that request bodies take together. A request reserves what its Content-Length declares, or the largest
 * body when it declares none; when the budget is spent, further requests with a body are answered 503 with Retry-After.
 * @param maxBytes the budget
 * @param maxBodyBytes most that one body can take, since longer ones are refused or streamed to disk
 */
export function limitMemory(app: FastifyInstance, maxBytes: number, maxBodyBytes: number): void {
  let reserved = 0;
  app.addHook('preParsing', async (request, reply) => {
    const { 'content-length': length, 'transfer-encoding': encoding, 'content-encoding': compressed } = request.headers;
    if (length === undefined && encoding === undefined) return;
    // A compressed body says nothing about its size; eight times is more than JSON shrinks as a rule.
    const declared = length === undefined ? maxBodyBytes : Number(length) * (compressed ? 8 : 1);
    const bytes = Math.min(declared, maxBodyBytes);
    if (reserved > 0 && reserved + bytes > maxBytes) {
      throw new QuipuError('overloaded', 'The server holds as many request bodies as it may; send the request again in a moment.', { retryAfter: 1 });
    }
    reserved += bytes;
    reply.raw.once('close', () => { reserved -= bytes; });
  });
}
