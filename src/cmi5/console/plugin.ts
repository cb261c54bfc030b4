import { readFileSync } from 'node:fs';
import type { FastifyPluginCallback } from 'fastify';
import '../../auth/request.js';

const script = 'text/javascript; charset=utf-8';
const files = {
  '/cmi5': ['index.html', 'text/html; charset=utf-8'],
  '/cmi5/console.css': ['console.css', 'text/css; charset=utf-8'],
  '/cmi5/console.js': ['console.js', script],
  '/cmi5/api.js': ['api.js', script],
  '/cmi5/catalogue.js': ['catalogue.js', script],
  '/cmi5/courses.js': ['courses.js', script],
  '/cmi5/elements.js': ['elements.js', script],
  '/cmi5/lines.js': ['lines.js', script],
  '/cmi5/sessions.js': ['sessions.js', script],
  '/cmi5/status.js': ['status.js', script],
} as const;

/** Nothing but the page's own files and the server's own API; no inline script or style, no frame around it. */
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The page of courses and live sessions: static files that hold nothing of any tenant. Register it with the prefix `/console`. */
export const cmi5ConsolePlugin: FastifyPluginCallback = (app, _options, done) => {
  for (const [path, [file, type]] of Object.entries(files)) {
    // The compiler leaves these files where they are.
    const content = readFileSync(new URL(`../../../../src/cmi5/console/${file}`, import.meta.url));
    app.get(path, { config: { open: true }, schema: { hide: true } }, async (_request, reply) => reply.type(type)
      .headers({ 'Content-Security-Policy': policy, 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer', 'Cache-Control': 'no-cache' })
      .send(content));
  }
  done();
};
