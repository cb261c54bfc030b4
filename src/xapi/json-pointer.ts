/** @returns one reference token of RFC 6901, with its leading slash. */
export function pointerToken(key: string | number): string {
  if (typeof key === 'number') return `/${key}`;
  return key.includes('~') || key.includes('/') ? `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}` : `/${key}`;
}

/** @returns the RFC 6901 pointer for keys and indices from the root; '' for none. */
export function toPointer(path: readonly (string | number)[]): string {
  return path.map(pointerToken).join('');
}
