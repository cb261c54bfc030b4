import type { FastifyInstance } from 'fastify';
import { createContentApp, type ContentAppDeps } from './content-app.js';

/** The files of courses, served. */
export interface ContentServer {
  app: FastifyInstance;
  /** The public URL of the content: as the settings have it, or of the address. */
  url: string;
}

/**
 * Listens on the content port.
 * @throws Error with a sentence for the operator
 */
export async function listenForContent(deps: ContentAppDeps): Promise<ContentServer> {
  const { host, contentPort } = deps.config;
  const app = await createContentApp(deps);
  try {
    const address = await app.listen({ host, port: contentPort });
    return { app, url: contentUrlOf(deps, address) };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'EADDRINUSE' ? 'another program listens there' : code === 'EACCES' ? 'this user may not listen there' : message;
    throw new Error(`Quipu can't serve the files of courses on ${host}:${contentPort}: ${reason}. Set QUIPU_CONTENT_PORT to another port.`);
  }
}

/** Where browsers reach an address on which content is served. */
function contentUrlOf({ config: { contentUrl, publicUrl }, log }: ContentAppDeps, address: string): string {
  if (contentUrl !== undefined) return contentUrl;
  // Behind a proxy that ends TLS nothing says under which name it passes the content port on; without one it is that of the public URL.
  const url = publicUrl?.startsWith('http:') ? `http://${new URL(publicUrl).hostname}:${new URL(address).port}`
    // An address that stands for all is reached from here by that of this machine.
    : address.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:');
  if (publicUrl !== undefined) {
    log.warn({ publicUrl, contentUrl: url }, `QUIPU_PUBLIC_URL is set and QUIPU_CONTENT_URL is not: launches send browsers to ${url} for the files of courses. Set QUIPU_CONTENT_URL to the URL under which browsers reach the port ${new URL(address).port}`);
  }
  return url;
}
