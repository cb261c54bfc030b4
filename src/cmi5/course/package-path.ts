/**
 * The entry of the zip that a relative URL names (cmi5 14.1): query and fragment are no part of it, each segment is
 * percent-decoded as UTF-8, and dot segments are followed as browsers do (RFC 3986 5.2.4). The root is the root of the zip.
 *
 * @returns undefined where the URL is not relative to the root or leaves it, names a folder, or does not decode
 */
export function resolveEntry(url: string): string | undefined {
  const path = /^[^?#]*/.exec(url)?.[0] ?? '';
  if (path === '' || path.startsWith('/')) return undefined;
  const segments: string[] = [];
  for (const written of path.split('/')) {
    const segment = decoded(written);
    if (segment === undefined) return undefined;
    if (segment === '..' && segments.pop() === undefined) return undefined;
    if (segment !== '.' && segment !== '..') segments.push(segment);
  }
  const last = segments.at(-1);
  return last === undefined || last === '' || /(?:^|\/)\.{0,2}$/.test(path) ? undefined : segments.join('/');
}

/** A segment that decodes to more than one, or to what no file is called, is none. */
function decoded(segment: string): string | undefined {
  try {
    const name = decodeURIComponent(segment);
    return /[/\\\0]/.test(name) ? undefined : name;
  } catch {
    return undefined;
  }
}
