/**
 * The text of a JSON value on one line, for NDJSON. A statement is kept as it was sent, perhaps over several lines; a line's
 * end in JSON is white space between tokens, so that nothing of the value changes.
 */
export function onOneLine(text: Buffer): Buffer {
  if (!text.includes(0x0a) && !text.includes(0x0d)) return text;
  const line = Buffer.from(text);
  for (let at = 0; at < line.length; at++) if (line[at] === 0x0a || line[at] === 0x0d) line[at] = 0x20;
  return line;
}
