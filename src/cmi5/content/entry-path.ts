/**
 * The entry of a package that a relative URL names, without query and fragment.
 * @param url relative to the root of the package
 * @returns as `entryAt`; undefined also when it is no relative URL
 */
export function entryPathOf(url: string): string | undefined {
  const path = /^[^?#]*/.exec(url)![0];
  return /^(?:[a-z][a-z0-9+.-]*:|[/\\]{2})/i.test(path) ? undefined : entryAt(path);
}

/**
 * The entry of a package at a path: percent-decoded, its dots and doubled slashes resolved.
 * @returns undefined when it leads out of the package, or does not decode to UTF-8; '' and what ends in `/` are folders
 */
export function entryAt(path: string): string | undefined {
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    return undefined;
  }
  const segments: string[] = [];
  for (const segment of decoded.split('/')) {
    if (segment === '..' && segments.pop() === undefined) return undefined;
    if (segment !== '' && segment !== '.' && segment !== '..') segments.push(segment);
  }
  const folder = /(?:^|\/)\.{0,2}$/.test(decoded);
  return segments.join('/') + (folder && segments.length > 0 ? '/' : '');
}
