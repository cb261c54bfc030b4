import { decodes, pathAndQuery } from '../xapi/request-target.js';

/** Where the xAPI resources are. */
export const XAPI_PREFIX = '/xapi';
/** Where requests in the alternate syntax go (1.0.3 Part Three 1.3), whatever their resource. */
export const ALTERNATE_PREFIX = '/alternate-request-syntax';

const entrance = /^\/+(?:data\/+)?(?:xapi|xAPI)(?=\/|$|statements|activities|agents|about)/;
const resource = /^(?:statements|activities\/state|activities\/profile|activities|agents\/profile|agents|about)$/;

/**
 * The path by which a request is routed. Clients put an endpoint and a resource together in many ways: `/xapi`, `/xAPI` and
 * `/data/xAPI` are the same place; a missing, doubled or trailing slash and an endpoint pasted with its `/statements` don't matter.
 * @param target of the request line: path and query, perhaps with a host before them
 */
export function routedUrl(method: string | undefined, target: string): string {
  const url = pathAndQuery(target);
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  const query = mark < 0 ? '' : url.slice(mark);
  const matched = entrance.exec(path);
  if (!matched) return url;
  // An escape that stands for nothing is part of no resource's name; the router would not get so far as to say so.
  const rest = path.slice(matched[0].length);
  let segments = (decodes(rest) ? rest : rest.replaceAll('%', '%25')).split('/').filter((segment) => segment !== '');
  if (segments.length > 1 && segments[0] === 'statements' && resource.test(segments.slice(1).join('/'))) segments = segments.slice(1);
  const prefix = method === 'POST' && segments.length > 0 && /[?&]method=/.test(query) ? ALTERNATE_PREFIX : XAPI_PREFIX;
  return `${prefix}/${segments.join('/')}${query}`;
}
