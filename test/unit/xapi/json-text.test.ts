import t from 'tap';
import { QuipuError, type ErrorCode, type ErrorDetails } from '../../../src/xapi/errors.js';
import { parseJsonStrict, parseStatements } from '../../../src/xapi/json-text.js';

const limits = { maxDepth: 50, maxStatements: 5 };

function refusal(body: string | Buffer): { code: ErrorCode; details: ErrorDetails; message: string } {
  try {
    parseStatements(Buffer.from(body as string), limits);
  } catch (error) {
    if (error instanceof QuipuError) return error;
    throw error;
  }
  throw new Error(`accepted: ${String(body).slice(0, 80)}`);
}

t.test('one statement and its members', async (t) => {
  const text = '{ "id" : "a\\"}",\t"n":[1, {"x":2}] ,"esc\\u0061ped": -1.50e2\n, "o":{"id":{}} }';
  const { single, items } = parseStatements(Buffer.from(`\ufeff \n${text}\r\n`), limits);
  t.equal(single, true);
  t.equal(items.length, 1);
  const item = items[0]!;
  t.equal(item.text.toString(), text);
  t.same(item.value, { id: 'a"}', n: [1, { x: 2 }], escaped: -150, o: { id: {} } });
  t.same(item.members.map(({ key, start, valueStart, end }) => [key, text.slice(start, end), text.slice(valueStart, end)]), [
    ['id', '"id" : "a\\"}"', '"a\\"}"'],
    ['n', '"n":[1, {"x":2}]', '[1, {"x":2}]'],
    ['escaped', '"esc\\u0061ped": -1.50e2', '-1.50e2'],
    ['o', '"o":{"id":{}}', '{"id":{}}'],
  ]);
});

t.test('a batch keeps every text as sent', async (t) => {
  const texts = ['{"a":1.0}', '{ }', '{"b":[{"c":"]}"}],"d":12345678901234567890}', '{"é\u2028😀":"\\ud83d\\ude00"}'];
  const { single, items } = parseStatements(Buffer.from(`[ ${texts.join(' ,\n')} ]`), limits);
  t.equal(single, false);
  t.same(items.map(({ text }) => text.toString()), texts);
  t.same(items.map(({ text }) => JSON.parse(text.toString()) as unknown), items.map(({ value }) => value));
  t.same(items[2]!.members.map(({ key }) => key), ['b', 'd']);
  t.same(items[1]!.members, []);
});

t.test('empty arrays give no items', async (t) => {
  for (const body of ['[]', ' [ \n ] ']) t.same(parseStatements(Buffer.from(body), limits), { single: false, items: [] });
});

t.test('__proto__ and constructor stay ordinary keys', async (t) => {
  const { items } = parseStatements(Buffer.from('{"__proto__":{"polluted":true},"constructor":1,"x":{"__proto__":null}}'), limits);
  const value = items[0]!.value as Record<string, unknown>;
  t.ok(Object.hasOwn(value, '__proto__'));
  t.same(Object.keys(value), ['__proto__', 'constructor', 'x']);
  t.equal(({} as Record<string, unknown>)['polluted'], undefined);
  t.same(items[0]!.members.map(({ key }) => key), ['__proto__', 'constructor', 'x']);
  t.match(refusal('{"__proto__":1,"__proto__":2}'), { code: 'duplicate-key', details: { pointer: '/__proto__' } });
});

t.test('malformed JSON is placed by line and column', async (t) => {
  const cases: [string, string, Partial<ErrorDetails>][] = [
    ['', 'line 1, column 1', { pointer: '' }],
    ['  \n ', 'line 2, column 2', { pointer: '' }],
    ['{', 'line 1, column 2', { pointer: '' }],
    ['{"a":}', 'line 1, column 6', { pointer: '/a' }],
    ['[{"a":1},\n {"b":[1,,2]}]', 'line 2, column 10', { statement: 1, pointer: '/b/1' }],
    ['{"a":1,}', 'line 1, column 8', {}],
    ['{"a":01}', 'line 1, column 7', {}],
    ['{"a":1.}', 'line 1, column 7', {}],
    ['{"a":+1}', 'line 1, column 6', {}],
    ['{"a":NaN}', 'line 1, column 6', {}],
    ["{'a':1}", 'line 1, column 2', {}],
    ['{"a":"\t"}', 'line 1, column 7', {}],
    ['{"a":"\\x"}', 'line 1, column 7', {}],
    ['{"a":"\\u12g4"}', 'line 1, column 7', {}],
    ['{"a":"', 'line 1, column 7', {}],
    ['{"a":"\\', 'line 1, column 7', {}],
    ['{"a" 1}', 'line 1, column 6', {}],
    ['{"a":1}{"b":2}', 'line 1, column 8', {}],
    ['{"a":1} x', 'line 1, column 9', {}],
    ['[{}', 'line 1, column 4', {}],
    ['[{}}', 'line 1, column 4', {}],
    ['}', 'line 1, column 1', {}],
    ['{"a":tru}', 'line 1, column 6', {}],
    ['{"a":1/*c*/}', 'line 1, column 7', {}],
    ['\u00a0{}', 'line 1, column 1', {}],
    ['{"a":[}', 'line 1, column 7', {}],
  ];
  for (const [body, place, details] of cases) {
    const error = refusal(body);
    t.match(error, { code: 'malformed-json', details: { ...details, rule: 'json', section: /RFC 8259/, expected: /\w/ } }, JSON.stringify(body));
    t.ok(error.message.includes(place), `${JSON.stringify(body)}: ${error.message}`);
  }
  t.match(refusal('').message, /empty/);
});

t.test('bodies that are no statements', async (t) => {
  for (const body of ['1', '"a"', 'null', 'true']) t.match(refusal(body), { code: 'invalid-statement', details: { statement: undefined, rule: 'statement-object' } }, body);
  for (const item of ['1', '"a{"', 'null', '[]', '[{}]', '[{"a":1}]']) {
    t.match(refusal(`[{"a":1},${item}]`), { code: 'invalid-statement', details: { statement: 1, rule: 'statement-object' } }, item);
  }
});

t.test('duplicate keys anywhere, however they are written', async (t) => {
  const cases: [string, Partial<ErrorDetails>][] = [
    ['{"a":1,"a":1}', { statement: undefined, pointer: '/a' }],
    ['{"a":1,"\\u0061":2}', { pointer: '/a' }],
    ['[{"a":1},{"b":{"c/d":[{"~":1,"~":2}]}}]', { statement: 1, pointer: '/b/c~1d/0/~0' }],
    ['{"":1,"":2}', { pointer: '/' }],
    ['{"x":{"":{"k":1,"k":null}}}', { pointer: '/x//k' }],
  ];
  for (const [body, details] of cases) t.match(refusal(body), { code: 'duplicate-key', details }, body);
  t.equal(parseStatements(Buffer.from('[{"a":{"a":{"a":1}}},{"a":1,"A":2}]'), limits).items.length, 2);
});

t.test('numbers beyond a double', async (t) => {
  t.match(refusal('[{},{"a":[0,1e999]}]'), { code: 'number-out-of-range', details: { statement: 1, pointer: '/a/1' } });
  t.match(refusal('{"a":-1e400}'), { code: 'number-out-of-range', details: { pointer: '/a' } });
  t.match(refusal(`{"a":${'9'.repeat(400)}}`), { code: 'number-out-of-range', details: { pointer: '/a' } });
  t.equal(parseStatements(Buffer.from('{"a":1e308,"b":1e-999,"c":-0}'), limits).items.length, 1);
});

t.test('limits', async (t) => {
  t.equal(parseStatements(Buffer.from(`[${Array(5).fill('{}').join()}]`), limits).items.length, 5);
  t.match(refusal(`[${Array(6).fill('{"a":[1,2,3,4,5,6,7]}').join()}]`), { code: 'too-large', status: 413 });
  t.match(refusal(`[${'1,'.repeat(1_000_000)}1]`), { code: 'too-large' });
  const nested = (levels: number): string => `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
  t.equal(parseStatements(Buffer.from(nested(50)), limits).items.length, 1);
  t.match(refusal(nested(51)), { code: 'nesting-too-deep' });
  t.match(refusal('['.repeat(5_000_000)), { code: 'nesting-too-deep' });
  t.match(refusal('{"a":'.repeat(1_000_000)), { code: 'nesting-too-deep' });
  t.equal(parseStatements(Buffer.from(`{"a":"${'['.repeat(1000)}"}`), limits).items.length, 1, 'brackets in strings do not count');
});

t.test('encoding', async (t) => {
  t.match(refusal(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])), { code: 'malformed-encoding', details: { rule: 'utf-8', section: /Part Three 1\.4/, expected: /UTF-8/ } });
  t.match(refusal(Buffer.from([0xed, 0xa0, 0x80])), { code: 'malformed-encoding' }, 'a surrogate encoded as UTF-8');
  t.match(refusal(Buffer.from('{}', 'utf16le')), { code: 'malformed-json' });
  const { items } = parseStatements(Buffer.from('{"a":"\\ud800"}'), limits);
  t.equal(items[0]!.text.toString(), '{"a":"\\ud800"}', 'an escaped lone surrogate comes back as sent');
});

t.test('large values', async (t) => {
  const big = 'x'.repeat(2_000_000);
  t.equal(parseStatements(Buffer.from(`{"a":"${big}"}`), limits).items[0]!.members[0]!.end, big.length + 7);
  const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`k${i}`, i]));
  t.equal(parseStatements(Buffer.from(JSON.stringify(many)), limits).items[0]!.members.length, 100_000);
  const twice = `${JSON.stringify(many).slice(0, -1)},"k77777":0}`;
  t.match(refusal(twice), { code: 'duplicate-key', details: { pointer: '/k77777' } });
});

t.test('other JSON bodies', async (t) => {
  t.same(parseJsonStrict(Buffer.from('[1,"a",{"b":null}]'), limits), [1, 'a', { b: null }]);
  t.equal(parseJsonStrict(Buffer.from('\ufeff null'), limits), null);
  t.same(parseJsonStrict(Buffer.from(`[${'1,'.repeat(100)}1]`), limits), Array(101).fill(1), 'no limit of items');
  t.throws(() => parseJsonStrict(Buffer.from('[{"a":1,"a":2}]'), limits), { code: 'duplicate-key', details: { pointer: '/0/a', statement: undefined } });
  t.throws(() => parseJsonStrict(Buffer.from('[[[]]]'), { maxDepth: 2 }), { code: 'nesting-too-deep' });
  t.throws(() => parseJsonStrict(Buffer.from('1e999'), limits), { code: 'number-out-of-range', details: { pointer: '' } });
  t.throws(() => parseJsonStrict(Buffer.from('{'), limits), { code: 'malformed-json' });
});

t.test('any truncation or mutation of a body parses as JSON.parse does, or is refused', async (t) => {
  const source = '[{"a":[1,-2.5e3,{"b":"\\u00e9\\"x"}],"c":{},"d":[ ]},{"e":true,"f":null}]';
  let state = 7;
  const random = (below: number): number => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) % below;
  for (let round = 0; round < 5000; round++) {
    const at = random(source.length);
    const inserted = '{}[]",:\\01e-. tn'[random(16)] ?? '';
    const body = source.slice(0, at) + (round % 3 === 0 ? '' : inserted) + source.slice(at + random(3));
    let expected: unknown;
    try {
      expected = JSON.parse(body);
    } catch {
      expected = undefined;
    }
    try {
      const { single, items } = parseStatements(Buffer.from(body), limits);
      const values = items.map(({ value }) => value);
      if (JSON.stringify(single ? values[0] : values) !== JSON.stringify(expected)) t.fail(body);
      for (const { text, value, members } of items) {
        if (JSON.stringify(JSON.parse(text.toString())) !== JSON.stringify(value)) t.fail(`text of ${body}`);
        const rebuilt = `{${members.map(({ start, end }) => text.toString('utf8', start, end)).join()}}`;
        if (JSON.stringify(JSON.parse(rebuilt)) !== JSON.stringify(value)) t.fail(`members of ${body}`);
      }
    } catch (error) {
      if (!(error instanceof QuipuError)) throw error;
      if (error.code === 'malformed-json' && expected !== undefined) t.fail(`refused ${body}`);
      if (error.code !== 'malformed-json' && expected === undefined) t.fail(`${error.code} for ${body}`);
    }
  }
});
