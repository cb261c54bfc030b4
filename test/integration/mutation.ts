import type { Random } from '../contract/random.js';

const oddTexts = ['', ' ', '\0', 'null', '__proto__', 'constructor', '\ud800', '\uffff', '\u202e', '🙂'.repeat(50), 'é'.repeat(3000), '%00', '%', '+', '../../..', 'http://', 'http://[::1', 'mailto:', 'mailto:@', 'a@b', '::', '-1', '1e999', 'NaN',
  '{}', '[]', '{"a":', 'P', 'PT', 'PT1,5S', 'P1Y2M3DT4H5M6.7890123S', '2026-02-30T00:00:00Z', '2026-01-01T25:00:00Z', '2026-01-01', '9999999-01-01T00:00:00Z', '00000000-0000-0000-0000-00000000000', 'zz-ZZ-zz-zz-zz-zz', 'i-klingon', "' OR 1=1 --", '<script>', '\r\nX-Injected: 1', 'a'.repeat(5000)];
const oddValues: readonly unknown[] = [null, true, false, 0, -1, 1.5, 1e308, -0, 9007199254740993, [], {}, [null], [[]], [{}], { '': '' }, { $ref: '#' }, { 'a.b': 1, a: { b: 2 } }, JSON.parse('{"__proto__":{"x":1}}')];

/** A text that has broken something somewhere before. */
export function oddText(random: Random): string {
  return random.pick(oddTexts);
}

/** A value of another kind than expected. */
export function oddValue(random: Random): unknown {
  return random.chance(0.5) ? oddText(random) : random.pick(oddValues);
}

/** A copy of a JSON value with `count` changes somewhere in it: values replaced, members removed, added, renamed or doubled. */
export function mutateJson(random: Random, value: unknown, count: number): unknown {
  let copy = structuredClone(value);
  for (let done = 0; done < count; done++) copy = change(random, copy);
  return copy;
}

function change(random: Random, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || random.chance(0.05)) return oddValue(random);
  if (Array.isArray(value)) {
    if (value.length === 0 || random.chance(0.2)) return [...value, random.chance(0.5) ? oddValue(random) : value[0]];
    const at = random.below(value.length);
    return random.chance(0.2) ? value.filter((_, other) => other !== at) : value.map((item, other) => (other === at ? change(random, item) : item));
  }
  const entries = Object.entries(value);
  if (entries.length === 0 || random.chance(0.1)) return Object.fromEntries([...entries, [oddText(random), oddValue(random)]]);
  const at = random.below(entries.length);
  const [name, member] = entries[at]!;
  const kind = random.below(10);
  if (kind === 0) return Object.fromEntries(entries.filter((_, other) => other !== at));
  if (kind === 1) return Object.fromEntries(entries.map((entry, other) => (other === at ? [random.chance(0.5) ? name.toUpperCase() : oddText(random), member] : entry)));
  return Object.fromEntries(entries.map((entry, other) => (other === at ? [name, change(random, member)] : entry)));
}

/** A copy of bytes with `count` changes: bytes flipped, pieces cut, doubled or put in. */
export function mutateBytes(random: Random, bytes: Buffer, count: number): Buffer {
  let copy: Buffer = Buffer.from(bytes);
  for (let done = 0; done < count && copy.length > 0; done++) {
    const at = random.below(copy.length);
    const end = Math.min(copy.length, at + 1 + random.below(30));
    switch (random.below(5)) {
      case 0: copy[at] = random.below(256); break;
      case 1: copy = Buffer.concat([copy.subarray(0, at), copy.subarray(end)]); break;
      case 2: copy = Buffer.concat([copy.subarray(0, end), copy.subarray(at)]); break;
      case 3: copy = Buffer.concat([copy.subarray(0, at), Buffer.from(oddText(random)), copy.subarray(at)]); break;
      default: copy = copy.subarray(0, at);
    }
  }
  return copy;
}
