import t from 'tap';
import { assertJsonObject, isJsonType, mergeObjects } from '../../../src/documents/merge.js';

const merge = (existing: string, posted: string) => mergeObjects(Buffer.from(existing), Buffer.from(posted), 20).toString();

t.test('top-level properties are replaced, added and kept (xAPI 1.0.3 Part Three 2.2)', async (t) => {
  t.equal(merge('{"x":"foo","y":"bar"}', '{"x":"bash","z":"faz"}'), '{"x":"bash","y":"bar","z":"faz"}');
  t.equal(merge('{"a":{"b":1,"c":2}}', '{"a":{"b":3}}'), '{"a":{"b":3}}', 'objects are not merged further down');
  t.equal(merge('{"a":[1,2]}', '{"a":[]}'), '{"a":[]}');
  t.equal(merge('{"a":1}', '{"a":null}'), '{"a":null}', 'null is a value, not a removal');
  t.equal(merge('{}', '{}'), '{}');
  t.equal(merge('{}', '{"a":1}'), '{"a":1}');
  t.equal(merge('{"a":1}', '{}'), '{"a":1}');
});

t.test('the text of values stays', async (t) => {
  t.equal(merge('{"n":1.0,"big":12345678901234567890}', '{"e":1E+2}'), '{"n":1.0,"big":12345678901234567890,"e":1E+2}');
  t.equal(merge(' {\n "a" : "\\u00e9\\"}{," ,\t"b" : [ { "c" : "]" } ] }\n', '{"d":"é\u{1f600}"}'), '{"a" : "\\u00e9\\"}{,","b" : [ { "c" : "]" } ],"d":"é\u{1f600}"}');
  t.equal(merge('\ufeff{"a":1}', '\ufeff{"b":2}'), '{"a":1,"b":2}', 'byte order marks go');
});

t.test('keys are compared decoded, and none is special', async (t) => {
  t.equal(merge('{"\\u0061":1}', '{"a":2}'), '{"a":2}');
  t.equal(merge('{"__proto__":{"polluted":1},"constructor":1}', '{"__proto__":{"polluted":2},"toString":2}'),
    '{"__proto__":{"polluted":2},"constructor":1,"toString":2}');
  t.equal(merge('{"1":1,"b":2}', '{"0":0,"":3}'), '{"1":1,"b":2,"0":0,"":3}', 'order is that of the text');
  t.equal(({} as Record<string, unknown>)['polluted'], undefined);
});

t.test('a large object is merged in linear time', async (t) => {
  const large = `{${Array.from({ length: 100_000 }, (_, index) => `"key ${index}":"${index}"`).join(',')}}`;
  const started = Date.now();
  t.equal(merge(large, '{"key 5":1}').length, large.length - 2);
  t.ok(Date.now() - started < 3000);
});

t.test('what is no JSON object', async (t) => {
  for (const text of ['', '[]', '1', '"a"', 'null', '{', '{"a":1}{', '{"a":1,"a":2}', "{'a':1}", '{"a":1e400}', `${'{"a":'.repeat(30)}1${'}'.repeat(30)}`]) {
    t.throws(() => assertJsonObject(Buffer.from(text), 'The posted document', 20), { code: 'invalid-document' }, text);
  }
  t.throws(() => assertJsonObject(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'The posted document', 20), { code: 'invalid-document' });
  t.doesNotThrow(() => assertJsonObject(Buffer.from(' {"a":[]} '), 'The posted document', 20));
});

t.test('content types that count as JSON', async (t) => {
  for (const type of ['application/json', 'Application/JSON', 'application/json; charset=utf-8', 'application/json;charset=UTF-8', ' application/json ']) t.ok(isJsonType(type), type);
  for (const type of ['application/jsonp', 'text/json', 'application/ld+json', 'not/json', '', ';application/json', 'application/json, text/plain']) t.notOk(isJsonType(type), type);
});
