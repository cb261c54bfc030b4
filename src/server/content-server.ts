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
  if (publicUrl?.startsWith('https:')) log.warn({ content: address }, 'Courses can not be launched from elsewhere: QUIPU_PUBLIC_URL is https, and QUIPU_CONTENT_URL does not say where browsers reach the files of courses');
  else if (publicUrl !== undefined) return `http://${new URL(publicUrl).hostname}:${new URL(address).port}`;
  // An address that stands for all is reached from here by that of this machine.
  return address.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:');
}
