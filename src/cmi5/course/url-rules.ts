import { finding, quoted, type Finding } from './finding.js';
import type { Outline } from './outline.js';
import { resolveEntry } from './package-path.js';
import { childNamed, trimXml, type XmlElement } from './xml-element.js';

/** Characters of a URL; browsers and proxies take few more, and the launch adds its own. */
export const maxUrlLength = 4000;

/** Query names that the launch adds (cmi5 8.1). */
export const launchParameters: ReadonlySet<string> = new Set(['endpoint', 'fetch', 'actor', 'registration', 'activityId']);

/** Characters of RFC 1738, with `~` and brackets, which RFC 3986 lets stand where that refused them; percent signs only as escapes. */
const urlCharacters = /^(?:[!#$&-;=?-[\]_a-z~]|%[0-9a-fA-F]{2})+$/;

const absolute = /^([a-zA-Z][a-zA-Z0-9+.-]*):/;

/** Schemes with which a browser runs or shows what the URL itself or the reader's own machine holds. */
const unsafeSchemes = new Set(['javascript', 'vbscript', 'data', 'blob', 'filesystem', 'file', 'about', 'view-source', 'jar']);

/**
 * The launch URLs of all AUs (cmi5 8.1, 13.1.4, 14.1, 14.2). Of one URL the first fault is told, and a conflict of query names beside it.
 *
 * @param files names of the entries of the zip; undefined for a lone XML
 */
export function judgeUrls({ units }: Outline, files: ReadonlySet<string> | undefined): Finding[] {
  const similar = createSimilar(files ?? new Set());
  return units.flatMap((unit) => {
    const element = childNamed(unit, 'url');
    const url = element === undefined ? '' : trimXml(element.text);
    if (element === undefined || url === '') return [];
    const syntax = judgeSyntax(element, url);
    return [syntax ?? judgePlace(element, url, files, similar), judgeQuery(element, url)].filter((found) => found !== undefined);
  });
}

/** A URL conforms to RFC 1738, whatever its scheme (cmi5 13.1.4). */
function judgeSyntax(element: XmlElement, url: string): Finding | undefined {
  const fault = (message: string, hint: string): Finding => finding(element, { rule: 'url-syntax', requirement: '13.1.4.0-2', section: 'cmi5 13.1.4', message, hint });
  if (url.length > maxUrlLength) return fault(`The URL ${quoted(url)} is longer than ${maxUrlLength} characters.`, 'Move data into launchParameters.');
  if (!urlCharacters.test(url)) return fault(`The URL ${quoted(url)} has characters that RFC 1738 does not allow.`, 'Write a space as %20 and every other such character as percent escapes of its UTF-8 bytes; separate folders by /.');
  const scheme = absolute.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined) return undefined;
  if (unsafeSchemes.has(scheme)) return fault(`The URL ${quoted(url)} has a scheme that is not launched.`, 'Use https, a relative URL, or the scheme of an application.');
  if (!/^[^:]+:\/\/[^/?#]/.test(url)) return fault(`The URL ${quoted(url)} names no host.`, 'Write scheme://host/path, such as https://example.org/course/index.html; in a relative URL write a colon as %3A.');
  if ((scheme === 'http' || scheme === 'https') && !isWebUrl(url)) return fault(`The URL ${quoted(url)} is not one of HTTP.`, 'Check the host name and the port, and leave out user name and password.');
  return undefined;
}

/** RFC 1738 3.3: an HTTP URL has a host, perhaps a port, and no user name. */
function isWebUrl(url: string): boolean {
  return URL.canParse(url) && new URL(url).username === '' && new URL(url).password === '';
}

/**
 * An entry point within the zip is named by a relative URL, and every other by a fully qualified one (cmi5 14.1); without a zip all are fully
 * qualified (14.2).
 */
function judgePlace(element: XmlElement, url: string, files: ReadonlySet<string> | undefined, similar: Similar): Finding | undefined {
  if (absolute.test(url)) return undefined;
  if (files === undefined) {
    return finding(element, {
      rule: 'url-not-qualified', requirement: '14.2.0.0-1', section: 'cmi5 14.2', message: `The URL ${quoted(url)} is relative, and there is no zip that it could be in.`,
      hint: 'Import a zip that holds cmi5.xml and the content, or write the URL in full, such as https://example.org/course/index.html.',
    });
  }
  const entry = resolveEntry(url);
  if (entry !== undefined && files.has(entry)) return undefined;
  return finding(element, {
    rule: 'url-not-in-package', requirement: '14.1.0.0-4', section: 'cmi5 14.1',
    message: entry === undefined ? `The URL ${quoted(url)} leads out of the package or names no file in it.` : `The zip has no file ${quoted(entry)}, which the URL ${quoted(url)} names.`,
    hint: entry === undefined ? 'Write the path of a file from the root of the zip, without a leading / and without .. beyond the root.' : similar(entry),
  });
}

/** A hint for a name that is not there. */
type Similar = (entry: string) => string;

/** Hints at what may be meant: most often a name differs in case, or lacks its folder. The names are gone through once, and only when one is not found. */
function createSimilar(files: ReadonlySet<string>): Similar {
  let names: Map<string, string> | undefined;
  const simple = (name: string): string => name.normalize().toLowerCase();
  return (entry) => {
    names ??= new Map([...[...files].map((file): [string, string] => [simple(file.slice(file.lastIndexOf('/') + 1)), file]), ...[...files].map((file): [string, string] => [simple(file), file])]);
    const found = names.get(simple(entry)) ?? names.get(simple(entry.slice(entry.lastIndexOf('/') + 1)));
    if (found === undefined) return 'Put the file into the zip under this name, or write a URL in full for content that is elsewhere.';
    return `The zip has ${quoted(found)}; names must agree in every letter, folders and case included.`;
  };
}

/** The query of a URL has no name that the launch adds (cmi5 8.1). */
function judgeQuery(element: XmlElement, url: string): Finding | undefined {
  const names = [...new URLSearchParams(/^[^#?]*\?([^#]*)/.exec(url)?.[1] ?? '').keys()].filter((name) => launchParameters.has(name));
  if (names.length === 0) return undefined;
  return finding(element, {
    rule: 'url-query-conflict', requirement: '8.1.0.0-6', section: 'cmi5 8.1', message: `The query of the URL ${quoted(url)} names ${[...new Set(names)].join(', ')}, which the launch sets.`,
    hint: 'Call these parameters otherwise: endpoint, fetch, actor, registration and activityId belong to the launch.',
  });
}
