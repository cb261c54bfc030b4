import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { FastifyPluginCallback } from 'fastify';
import { QuipuError } from '../xapi/errors.js';
import { parseJsonStrict } from '../xapi/json-text.js';

const maxDepth = 32;

/**
 * How every route under `/v1` reads its input: strict JSON, judged as it is; only query strings, which are all text, are
 * turned into the numbers and booleans that the schema asks for. Nothing unknown is taken or dropped in silence.
 * Register it in the scope of `/v1`.
 */
export const jsonApiPlugin: FastifyPluginCallback = (app, _options, done) => {
  let bodies: Ajv | undefined;
  let texts: Ajv | undefined;
  const compile = (schema: object, part: string | undefined): ValidateFunction => (part === 'body'
    ? bodies ??= new Ajv({ strict: true, useDefaults: true })
    : texts ??= new Ajv({ strict: true, useDefaults: true, coerceTypes: true })).compile(schema);
  // At a route's first request: to compile all of them would take a tenth of every start.
  app.setValidatorCompiler(({ schema, httpPart }) => {
    let validate: ValidateFunction | undefined;
    return (value: unknown) => {
      validate ??= compile(schema as object, httpPart);
      return validate(value) || { error: validate.errors ?? [] };
    };
  });
  app.setSchemaErrorFormatter((errors, part) => invalidRequest(errors[0] as ErrorObject | undefined, part));
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, payload: Buffer, parsed) => {
    if (payload.length === 0) return parsed(null, undefined);
    try {
      parsed(null, parseJsonStrict(payload, { maxDepth }));
    } catch (error) {
      parsed(error instanceof Error ? error : new Error(String(error)));
    }
  });
  done();
};
Object.assign(jsonApiPlugin, { [Symbol.for('skip-override')]: true, [Symbol.for('fastify.display-name')]: 'quipu-json-api' });

function invalidRequest(error: ErrorObject | undefined, part: string): QuipuError {
  const pointer = error?.instancePath ?? '';
  const named: unknown = error?.params['additionalProperty'];
  const what = `${error?.message ?? 'does not fit its schema'}${typeof named === 'string' ? `: ${named}` : ''}`;
  if (part === 'body') return new QuipuError('invalid-request', `The body${pointer && ` at ${pointer}`} ${what}.`, { pointer, rule: error?.keyword });
  return new QuipuError('invalid-parameter', `The ${part}${pointer && ` at ${pointer}`} ${what}.`, { parameter: pointer.slice(1) || undefined, rule: error?.keyword });
}
