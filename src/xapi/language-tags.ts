/** RFC 5646 2.1 `langtag`, without the rule that no variant and no extension singleton comes twice. */
const langtag =
  /^(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4,8})(?:-[a-z]{4})?(?:-(?:[a-z]{2}|\d{3}))?(?:-(?:[a-z0-9]{5,8}|\d[a-z0-9]{3}))*(?:-[a-wyz0-9](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?$/;

const privateUse = /^x(?:-[a-z0-9]{1,8})+$/;

/** RFC 5646 2.1: tags registered under RFC 3066 whose form the grammar does not give. */
const irregular = new Set([
  'en-gb-oed', 'i-ami', 'i-bnn', 'i-default', 'i-enochian', 'i-hak', 'i-klingon', 'i-lux', 'i-mingo', 'i-navajo',
  'i-pwn', 'i-tao', 'i-tay', 'i-tsu', 'sgn-be-fr', 'sgn-be-nl', 'sgn-ch-de',
]);

/** Longer tags exist in theory only; the limit bounds the cache below. */
const maxLength = 255;
const cacheSize = 2048;
const known = new Map<string, boolean>();

/**
 * Whether a string is a well-formed language tag of RFC 5646, in any case (xAPI 1.0.3 Part Two 4.2, IEEE 9274.1.1 4.2.7).
 * Subtags are not looked up in the registry. `Intl.getCanonicalLocales` alone would refuse private-use, grandfathered and
 * extended-language tags, which the RFC allows. Verdicts are remembered, as few tags fill a store.
 */
export function isLanguageTag(value: string): boolean {
  const remembered = known.get(value);
  if (remembered !== undefined) return remembered;
  if (value.length > maxLength) return false;
  const verdict = isWellFormed(value.toLowerCase());
  if (known.size >= cacheSize) known.clear();
  known.set(value, verdict);
  return verdict;
}

function isWellFormed(tag: string): boolean {
  if (irregular.has(tag) || privateUse.test(tag)) return true;
  return langtag.test(tag) && !repeatsSubtag(tag);
}

/** RFC 5646 2.2.5 and 2.2.6: no variant and no singleton comes twice before the private-use part. */
function repeatsSubtag(tag: string): boolean {
  const seen = new Set<string>();
  let inExtension = false;
  for (const subtag of tag.split('-').slice(1)) {
    if (subtag === 'x') return false;
    const singleton = subtag.length === 1;
    inExtension ||= singleton;
    const variant = !inExtension && (subtag.length >= 5 || (subtag.length === 4 && /^\d/.test(subtag)));
    if (!singleton && !variant) continue;
    if (seen.has(subtag)) return true;
    seen.add(subtag);
  }
  return false;
}
