import type { Actor } from '../../xapi/types.js';
import { learnerActor } from '../rules/lms-statements.js';

/** The parameters of a launch (cmi5 8.1). */
export interface LaunchParameters {
  /** Base of xAPI requests, with a slash at the end. */
  endpoint: string;
  fetch: string;
  learner: Actor;
  registration: string;
  /** The id that the LMS has given the AU. */
  activityId: string;
}

/**
 * The URL that launches an AU (cmi5 8.1): its own, with its own query (13.1.4), and the parameters before the fragment, each value encoded.
 * The actor is told by the account alone.
 * @param url of the AU, absolute
 */
export function launchUrl(url: string, { endpoint, fetch, learner, registration, activityId }: LaunchParameters): string {
  const parameters = Object.entries({ endpoint, fetch, actor: JSON.stringify(learnerActor(learner)), registration, activityId })
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');
  const hash = url.indexOf('#');
  const address = hash < 0 ? url : url.slice(0, hash);
  const separator = !address.includes('?') ? '?' : /[?&]$/.test(address) ? '' : '&';
  return `${address}${separator}${parameters}${hash < 0 ? '' : url.slice(hash)}`;
}

/** Whether an AU's URL is absolute, so that its content is hosted elsewhere (cmi5 14.1). */
export function isAbsoluteUrl(url: string): boolean {
  return /^[a-z][a-z0-9+.-]*:/i.test(url);
}
