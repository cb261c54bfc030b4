import type { IncomingHttpHeaders } from 'node:http';
import { isUtf8 } from 'node:buffer';
import { QuipuError } from '../xapi/errors.js';
import { badEscape } from '../xapi/request-target.js';

/** A POST in the Alternate Request Syntax. */
export interface AlternateRequest {
  /** As it was sent, without the query. */
  path: string;
  query: Record<string, string | string[]>;
  headers: IncomingHttpHeaders;
  /** The body, application/x-www-form-urlencoded. */
  form: Buffer;
}

/** The request that it stands for. */
export interface MeantRequest {
  method: string;
  url: string;
  headers: Record<string, string>;
  content?: Buffer;
}

const section = 'xAPI 1.0.3 Part Three 1.3';
const methods = new Set(['GET', 'PUT', 'POST', 'DELETE', 'HEAD']);
/** Form parameters that are headers; in the standard's spelling, compared without regard to case. */
const headerParameters = new Set(['authorization', 'x-experience-api-version', 'content-type', 'content-length', 'if-match', 'if-none-match']);
/** Headers of the outer request that are not about its form. */
const outerHeaders = ['accept', 'accept-language', 'accept-encoding', 'authorization', 'x-experience-api-version', 'if-match', 'if-none-match', 'origin', 'host', 'user-agent', 'x-forwarded-prefix'] as const;

/**
 * Unwraps a request in the Alternate Request Syntax.
 * @throws QuipuError when it breaks the section's rules or speaks 2.0, which has no such syntax
 */
export function parseAlternateRequest({ path, query, headers, form }: AlternateRequest): MeantRequest {
  const method = query.method;
  if (typeof method !== 'string' || !methods.has(method)) {
    throw fault('The parameter method must name the intended method.', 'method', 'alternate-method', [...methods].join(', '));
  }
  const others = Object.keys(query).filter((name) => name !== 'method');
  if (others.length > 0) {
    throw fault(`The query string of a request in the alternate syntax holds nothing but method; ${JSON.stringify(others[0])} belongs in the form.`, others[0]!, 'alternate-query', 'method alone');
  }
  const meant: Record<string, string> = {};
  for (const name of outerHeaders) {
    const value = headers[name];
    if (typeof value === 'string') meant[name] = value;
  }
  const fields = parseForm(form);
  const parameters = new URLSearchParams();
  for (const [name, value] of fields) {
    const header = name.toLowerCase();
    if (name === 'content') continue;
    if (name === 'method') throw fault('The form names a method of its own.', 'method', 'alternate-method', 'method in the query string alone');
    if (headerParameters.has(header)) meant[header] = value;
    else parameters.append(name, value);
  }
  if (/^2\./.test(meant['x-experience-api-version'] ?? '')) {
    throw new QuipuError('invalid-parameter', 'xAPI 2.0 has no alternate request syntax: send the request itself.', { parameter: 'method', rule: 'no-alternate-syntax', section: 'IEEE 9274.1.1 4.1.2', expected: `${method} ${path}` });
  }
  const content = fields.get('content');
  delete meant['content-length'];
  if (content === undefined) {
    if (method === 'PUT' || method === 'POST') throw fault(`A ${method} needs the form parameter content.`, 'content', 'alternate-content', 'content');
    return { method, url: `${path}?${parameters}`, headers: meant };
  }
  const body = Buffer.from(content, 'utf8');
  meant['content-type'] ??= 'application/json';
  return { method, url: `${path}?${parameters}`, headers: { ...meant, 'content-length': String(body.length) }, content: body };
}

/** Reads a form in which each name stands once. */
function parseForm(form: Buffer): Map<string, string> {
  if (!isUtf8(form)) throw new QuipuError('malformed-encoding', 'The form is not UTF-8.', { section: 'xAPI 1.0.3 Part Three 1.4' });
  const text = form.toString('utf8');
  const broken = badEscape(text);
  if (broken) throw broken;
  const fields = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(text)) {
    if (fields.has(name)) throw fault(`The form names ${JSON.stringify(name.slice(0, 100))} twice.`, name.slice(0, 100), 'parameter-once', 'each name once');
    fields.set(name, value);
  }
  return fields;
}

function fault(message: string, parameter: string, rule: string, expected: string): QuipuError {
  return new QuipuError('invalid-parameter', message, { parameter, rule, section, expected });
}
