import { createRequire } from 'node:module';
import type { FastifyServerOptions } from 'fastify';
import type fastJsonStringify from 'fast-json-stringify';

type Serialize = (value: unknown) => string;

/**
 * How schemas of routes become functions. Answers: at the first one of their kind, for to compile all of them, with what compiles
 * them, would take a tenth of every start. Input: a scope whose routes have schemas for theirs says how; Fastify's own way is not loaded.
 */
export const schemaController: NonNullable<FastifyServerOptions['schemaController']> = {
  compilersFactory: {
    buildSerializer: () => ({ schema }) => {
      let serialize: Serialize | undefined;
      return (value) => (serialize ??= compile(schema as fastJsonStringify.AnySchema))(value);
    },
    buildValidator: () => () => {
      throw new Error('The scope of this route does not say how its input is judged: see jsonApiPlugin');
    },
  },
};

/** Fastify's default for answers. Loaded at the first use, and not by import(), which can't be waited for here. */
function compile(schema: fastJsonStringify.AnySchema): Serialize {
  const build = createRequire(import.meta.url)('fast-json-stringify') as typeof fastJsonStringify;
  return build(schema);
}
