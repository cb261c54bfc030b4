/** A place in a text, both from 1; a column counts UTF-16 units, as editors do. */
export interface Place {
  line: number;
  column: number;
}

/**
 * Places of offsets in a text. Lines end with a line feed, as libxml2 counts them.
 *
 * @returns a function that takes an offset and answers in time logarithmic in the number of lines
 */
export function createPlaces(text: string): (offset: number) => Place {
  const lines = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lines.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = lines.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((lines[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return { line: low + 1, column: offset - (lines[low] ?? 0) + 1 };
  };
}

/** Offset of an attribute's name in the start tag at an offset of well-formed XML; the tag's own offset when it has none of that name. */
export function attributeOffset(text: string, tag: number, name: string): number {
  const attribute = /\s([^\s=>/"']+)\s*=\s*(?:"[^"]*"|'[^']*')/y;
  const start = /<[^\s/>]+/y;
  start.lastIndex = tag;
  if (!start.test(text)) return tag;
  let at = start.lastIndex;
  for (;;) {
    while (/\s/.test(text[at + 1] ?? '')) at++;
    attribute.lastIndex = at;
    const match = attribute.exec(text);
    if (match === null) return tag;
    if (match[1] === name) return at + 1;
    at = attribute.lastIndex;
  }
}
