import type { LanguageMap } from './types.js';

interface LanguageRange {
  /** Lower case, `*` for any. */
  range: string;
  /** 0 to 1. */
  quality: number;
}

/** How well a tag suits: compared from the first number to the last, higher is better. */
type Suitability = readonly [quality: number, range: number, closeness: number];

/** Ranges of one header that are looked at; the rest is passed over, so that no header makes a choice slow. */
const mostRanges = 32;

let lastHeader: string | undefined;
let lastRanges: readonly LanguageRange[] = [];

/**
 * The one entry of a language map that suits an Accept-Language header best (xAPI 1.0.3 Part Three 2.1.3, Language
 * Filtering Requirements; RFC 2616 14.4). A tag has the quality of the longest range that equals it or is a prefix of it,
 * else that of `*`. Among equals the range named first wins, then the tag nearest to its range. Where no range matches,
 * ranges are shortened from their end (RFC 4647 3.4: `en-GB` finds `en`). Where that finds nothing either, and without a
 * header, it is the map's first entry that isn't refused by `q=0`, or its first.
 *
 * @returns a map of exactly one entry; an empty map stays empty
 */
export function chooseLanguage(map: LanguageMap, acceptLanguage: string | undefined): LanguageMap {
  const tags = Object.keys(map);
  if (tags.length < 2) return map;
  const ranges = parseRanges(acceptLanguage);
  let chosen = tags[0]!;
  let best: Suitability = [-1, 0, 0];
  for (const tag of tags) {
    const suits = suitability(tag.toLowerCase(), ranges);
    if (better(suits, best)) {
      chosen = tag;
      best = suits;
    }
  }
  return { [chosen]: map[chosen]! };
}

function better(one: Suitability, other: Suitability): boolean {
  if (one[0] !== other[0]) return one[0] > other[0];
  if (one[1] !== other[1]) return one[1] > other[1];
  return one[2] > other[2];
}

/** Not acceptable is [0, …], no range matches is [0.0001, …]: below the least quality that a header can give. */
function suitability(tag: string, ranges: readonly LanguageRange[]): Suitability {
  let found = -1;
  let any = -1;
  for (let index = 0; index < ranges.length; index++) {
    const { range } = ranges[index]!;
    if (range === '*') any = any < 0 ? index : any;
    else if (isPrefix(range, tag) && (found < 0 || range.length > ranges[found]!.range.length)) found = index;
  }
  if (found >= 0) return [ranges[found]!.quality, -found, -tag.length];
  const unnamed = any < 0 ? 0.0001 : ranges[any]!.quality;
  return [unnamed, ...lookup(tag, ranges)];
}

/** RFC 4647 3.4: the first range that leads to the tag when shortened from its end, and how much of it was kept. */
function lookup(tag: string, ranges: readonly LanguageRange[]): [range: number, closeness: number] {
  for (let index = 0; index < ranges.length; index++) {
    const { range, quality } = ranges[index]!;
    if (quality > 0 && isPrefix(tag, range)) return [-index, tag.length];
  }
  return [-mostRanges, 0];
}

function isPrefix(prefix: string, tag: string): boolean {
  return tag.startsWith(prefix) && (tag.length === prefix.length || tag[prefix.length] === '-');
}

/** The ranges of a header; those that break its grammar are passed over. Remembers the last header, for it serves a whole answer. */
function parseRanges(header: string | undefined): readonly LanguageRange[] {
  if (header === undefined) return [];
  if (header === lastHeader) return lastRanges;
  const ranges: LanguageRange[] = [];
  for (const element of header.split(',', mostRanges)) {
    const match = /^\s*(\*|[a-z]{1,8}(?:-[a-z0-9]{1,8})*)\s*(?:;\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?$/.exec(element.toLowerCase());
    if (match) ranges.push({ range: match[1]!, quality: match[2] === undefined ? 1 : Number(match[2]) });
  }
  lastHeader = header;
  lastRanges = ranges;
  return ranges;
}
