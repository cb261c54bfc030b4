import { createServer, type Server } from 'node:http';
import type { SqlInterface } from './interface.js';

/** A server that has the interface at its root, for tools that take host and port but no path. The caller makes it listen. */
export function createSqlServer(answer: SqlInterface, { maxHeaderSize, requestTimeout }: { maxHeaderSize: number; requestTimeout: number }): Server {
  const server = createServer({ maxHeaderSize, requestTimeout }, (request, response) => {
    // While it closes, whoever was answered does not ask again.
    response.once('finish', () => { if (!server.listening) request.socket.destroySoon(); });
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    void answer(request, response, path, request.socket.remoteAddress ?? '');
  });
  server.keepAliveTimeout = 72_000;
  return server;
}
