import { fastify } from 'fastify';
import { generateStatements, platform } from '../generator.js';

/** The floor of HTTP in Node: routes that parse the body and answer something prepared. No auth, no checks, nothing stored. */

interface WithId {
  id?: string;
}

const app = fastify({ bodyLimit: 64 << 20 });
const [statement] = generateStatements(1, 1, platform);
const prepared = JSON.stringify({ ...statement, stored: new Date(0).toISOString(), authority: { account: { homePage: 'https://lms.example.org', name: 'key' } } });

// Of a multipart body it finds the first part and parses that, without a look at the rest.
app.addContentTypeParser('multipart/mixed', { parseAs: 'buffer' }, (_request, body: Buffer, done) => {
  const start = body.indexOf('\r\n\r\n') + 4;
  try {
    done(null, JSON.parse(body.toString('utf8', start, body.indexOf('\r\n--', start))));
  } catch (error) {
    done(error as Error);
  }
});

app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));

app.post('/*', async (request) => {
  const body = request.body as WithId | WithId[];
  return Array.isArray(body) ? body.map(({ id }) => id) : [body.id];
});
app.put('/*', async (_request, reply) => reply.code(204).send());
app.get('/*', async (_request, reply) => reply.type('application/json').send(prepared));

// An answer of so many bytes, such as a page of statements takes.
const longest = Buffer.alloc(4 << 20, prepared);
app.get<{ Params: { bytes: string } }>('/bytes/:bytes', async ({ params: { bytes } }, reply) => reply.type('application/json').send(longest.subarray(0, Number(bytes))));

process.once('disconnect', () => process.exit(0));
// The one who interrupts a run speaks to all processes of it; this one ends when the run does.
process.on('SIGINT', () => undefined);
const url = await app.listen({ host: '127.0.0.1', port: 0 });
process.send!({ url });
