import { subscribe } from 'node:diagnostics_channel';
import { Ajv } from 'ajv';
import fastJsonStringify from 'fast-json-stringify';
import type { FastifyInstance, FastifySchema, RouteOptions } from 'fastify';
import t from 'tap';
import { startServer } from '../../integration/server.js';

const routes: RouteOptions[] = [];
subscribe('fastify.initialization', (message) => {
  (message as { fastify: FastifyInstance }).fastify.addHook('onRoute', (route) => { routes.push(route); });
});

/** A schema of an answer, or those of its media types. */
function ofAnswer(schema: object): object[] {
  const content = (schema as { content?: Record<string, { schema: object }> }).content;
  return content ? Object.values(content).map((one) => one.schema) : [schema];
}

t.test('every schema that a start leaves for later can be compiled', async (t) => {
  await startServer(t);
  const parts = ['body', 'querystring', 'params', 'headers'] as const satisfies (keyof FastifySchema)[];
  let input = 0;
  let answers = 0;
  for (const { method, url, schema = {}, validatorCompiler } of routes) {
    for (const part of parts) {
      if (schema[part] === undefined || validatorCompiler) continue;
      input++;
      t.match(url, /^\/v1\//, 'only the scope that says how judges input by a schema');
      t.doesNotThrow(() => new Ajv({ strict: true, useDefaults: true, coerceTypes: part !== 'body' }).compile(schema[part] as object), `${String(method)} ${url} ${part}`);
    }
    for (const [status, answer] of Object.entries((schema.response ?? {}) as Record<string, object>)) {
      for (const one of ofAnswer(answer)) {
        answers++;
        t.doesNotThrow(() => fastJsonStringify(one), `${String(method)} ${url} ${status}`);
      }
    }
  }
  t.ok(input > 20 && answers > 20, `${input} of input, ${answers} of answers`);
});
