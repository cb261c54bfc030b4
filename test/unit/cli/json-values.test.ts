import t from 'tap';
import { splitJsonValues, type JsonValueText, type ValueLayout } from '../../../src/cli/json-values.js';

async function* chunked(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function split(text: string, layout: ValueLayout, size: number, from = { number: 0, offset: 0 }, maxBytes = 1 << 20): Promise<JsonValueText[]> {
  const values: JsonValueText[] = [];
  for await (const value of splitJsonValues(chunked(text, size), layout, maxBytes, from)) values.push(value);
  return values;
}

const parse = (values: JsonValueText[]): unknown[] => values.map(({ bytes }) => JSON.parse(bytes!.toString()) as unknown);

const tricky = [
  { a: '"]},{[' , b: ['\\', '\\"', '\\\\'], c: { d: [[[{}]]] } }, {}, [], [1, [2]], 'a "string", with ] and \\', '', -1.5e3, 0, true, false, null, { é: '日本 😀\u2028' },
];

t.test('an array is split as JSON.parse reads it, however it is cut', async (t) => {
  for (const indent of [undefined, 2, '\t']) {
    const text = JSON.stringify(tricky, null, indent);
    for (const size of [1, 2, 3, 7, 64, 10_000]) {
      const values = await split(`${text.slice(1)}\n `, 'array', size);
      t.same(parse(values), tricky, `indent ${indent}, chunks of ${size}`);
      t.same(values.map(({ number }) => number), tricky.map((_, index) => index + 1));
    }
  }
  t.same(await split(' ] ', 'array', 1), []);
});

t.test('reading goes on after any value', async (t) => {
  const text = JSON.stringify(tricky, null, 1).slice(1);
  const all = await split(text, 'array', 5);
  for (const { number, end } of all) {
    const rest = await split(Buffer.from(text).subarray(end).toString(), 'array', 3, { number, offset: end });
    t.same(rest, all.slice(number), `after ${number}`);
  }
});

t.test('values one after the other', async (t) => {
  const values = [{ a: 1 }, { b: '}{' }, [1], 'x', 12];
  for (const size of [1, 4, 1000]) {
    t.same(parse(await split(values.map((value) => JSON.stringify(value, null, 2)).join('\n'), 'values', size)), values);
    t.same(parse(await split('{"a":1}{"a":2}"x"3 ', 'values', size)), [{ a: 1 }, { a: 2 }, 'x', 3]);
  }
});

t.test('arrays one after the other', async (t) => {
  for (const size of [1, 3, 1000]) t.same(parse(await split('{"a":1},[2]]\n[]\n[3, "x"] [{"a":4}]', 'array', size)), [{ a: 1 }, [2], 3, 'x', { a: 4 }]);
});

t.test('StatementResults one after the other, in whatever order their members stand', async (t) => {
  const text = '{"statements":[{"a":1}, {"a":2} ], "more": "/x" }\n{"more":"/\\u0079","o":{"statements":[7]},"n":1.5,"statements" : []}{ "x":[{}] , "statements":[{"a":3}]}';
  for (const size of [1, 2, 7, 1000]) {
    const mores: string[] = [];
    const values: JsonValueText[] = [];
    for await (const value of splitJsonValues(chunked(text, size), 'result', 1000, { number: 0, offset: 0 }, (more) => mores.push(more))) values.push(value);
    t.same(parse(values), [{ a: 1 }, { a: 2 }, { a: 3 }]);
    t.same(mores, ['/x', '/y']);
    for (const { number, end } of values) t.same(await split(text.slice(end), 'result', 3, { number, offset: end }), values.slice(number), `after ${number}`);
  }
  for (const wrong of ['{"statements":{}}', '{"statements":[]]', '{"statements":[]} x', '{statements:[]}', '{"statements" []}']) await t.rejects(split(wrong, 'result', 1), { message: /not JSON/ }, wrong);
  for (const cut of ['{"statements":[]', '{"statements":[{}', '{"statem']) await t.rejects(split(cut, 'result', 1), { message: /cut off/ }, cut);
});

t.test('a value that is too long is counted and not held', async (t) => {
  const values = await split('{"a":1},{"a":"xxxxxxxxxxxxxxxxxxxxxxxxx"},{"a":3}]', 'array', 4, { number: 0, offset: 0 }, 10);
  t.same(values.map(({ bytes }) => bytes?.toString()), ['{"a":1}', undefined, '{"a":3}']);
});

t.test('what is no array is refused with its place', async (t) => {
  for (const [text, at] of [['{},,{}]', 4], ['{} {}]', 4], [',{}]', 1], ['{},]', 4], ['{}]x', 4], ['1 2]', 3], ['}', 1]] as const) {
    for (const size of [1, 100]) await t.rejects(split(text, 'array', size), { message: new RegExp(`not JSON: .* at byte ${at},`) }, text);
  }
  for (const text of ['', '{}', '{},', '{"a":[1]', '"abc', '12']) {
    await t.rejects(split(text, 'array', 1), { message: /cut off/ }, JSON.stringify(text));
  }
  await t.rejects(split('{"a":1} {"b', 'values', 3), { message: /cut off: it ends at byte 11/ });
});
