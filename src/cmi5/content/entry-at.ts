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
