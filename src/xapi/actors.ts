import type { Actor } from './types.js';

/** Characters that need care in an account: the escape itself and halves of surrogate pairs. */
const delicate = /[\\\ud800-\udfff]/;

/** Half a surrogate pair without the other half: no UTF-8 text can hold it. */
const loneSurrogate = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/**
 * One text for one agent: the inverse functional identifier (xAPI 1.0.3 Part Two 2.4.2.3) in canonical form. Two Agents
 * or Identified Groups are the same exactly when these texts are equal, whatever their names.
 *
 * - `mbox:mailto:ann@example.org`, the domain in lower case
 * - `mbox_sha1sum:` and lower-case hex
 * - `openid:` and the URI as it is
 * - `account:homePage|name`; `\` becomes `\\` in both parts, `|` becomes `\|` in the home page, and half a surrogate pair
 *   becomes `\uXXXX`, so that different accounts never give one text, in UTF-8 either
 *
 * @returns undefined for an Anonymous Group
 */
export function agentIdentifier(actor: Actor): string | undefined {
  if (actor.mbox !== undefined) return `mbox:${lowerCaseDomain(actor.mbox)}`;
  if (actor.account !== undefined) return `account:${escapeHomePage(actor.account.homePage)}|${escapeAccountPart(actor.account.name)}`;
  if (actor.mbox_sha1sum !== undefined) return `mbox_sha1sum:${actor.mbox_sha1sum.toLowerCase()}`;
  if (actor.openid !== undefined) return `openid:${actor.openid}`;
  return undefined;
}

/**
 * The canonical identifiers by which an Agent or Group is found (xAPI 1.0.3 Part Three 2.1.3, parameter `agent`): its own
 * and those of its members, each once.
 */
export function agentsOf(actor: Actor): string[] {
  const own = agentIdentifier(actor);
  if (actor.member === undefined) return own === undefined ? [] : [own];
  const all = new Set<string>();
  if (own !== undefined) all.add(own);
  for (const member of actor.member) {
    const identifier = agentIdentifier(member);
    if (identifier !== undefined) all.add(identifier);
  }
  return [...all];
}

/** A mailto IRI with its domain in lower case: domains are case insensitive, local parts are not (xAPI 1.0.3 Part Two 2.4.2.3). */
export function lowerCaseDomain(mbox: string): string {
  const at = mbox.lastIndexOf('@');
  return at < 0 ? mbox : mbox.slice(0, at) + mbox.slice(at).toLowerCase();
}

function escapeHomePage(homePage: string): string {
  const escaped = escapeAccountPart(homePage);
  return escaped.includes('|') ? escaped.replaceAll('|', '\\|') : escaped;
}

function escapeAccountPart(part: string): string {
  if (!delicate.test(part)) return part;
  return part
    .replaceAll('\\', '\\\\')
    .replace(loneSurrogate, (half) => `\\u${half.charCodeAt(0).toString(16)}`);
}
