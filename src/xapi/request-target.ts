/** Path and query of a request's target, which may name a host before them (RFC 9112 3.2.2: a server takes the absolute form). */
export function pathAndQuery(target: string): string {
  const rest = target.replace(/^https?:\/\/[^/?#]*/i, '');
  return rest === target || rest.startsWith('/') ? rest : `/${rest}`;
}

/** Whether the percent escapes of a text stand for UTF-8 (xAPI 1.0.3 Part Three 1.4). */
export function decodes(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
