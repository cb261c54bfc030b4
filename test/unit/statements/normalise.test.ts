import t from 'tap';
import { normalise } from '../../../src/statements/normalise.js';
import { createBatchWriter, readBatch } from '../../../src/statements/prepared-batch.js';
import { createKeyHash } from '../../../src/xapi/key-hash.js';
import { voidedVerb } from '../../../src/xapi/statement-rules.js';
import { parseStatements } from '../../../src/xapi/json-text.js';

const authority = { account: { homePage: 'https://example.org', name: 'key' } };
const base = '"actor":{"mbox":"mailto:ann@example.org"},"verb":{"id":"https://example.org/did"},"object":{"id":"https://example.org/it"}';
const hash = createKeyHash('salt');

/** What the store is given, with the text as it stands once the store has closed it. */
function given(text: string, more: object = {}) {
  const [item] = parseStatements(Buffer.from(text), { maxDepth: 50, maxStatements: 1 }).items;
  const writer = createBatchWriter(hash, 0);
  writer.add(normalise(item!, { version: '1.0.3', authority, authorityText: JSON.stringify(authority), defines: false, ...more }, hash));
  const [statement] = readBatch(writer.finish());
  return { id: statement!.id, target: statement!.target, voids: statement!.voids, text: `${statement!.text.toString()}}` };
}

t.test('what the client sent stays as it is; what the LRS sets is added at the end', async (t) => {
  const { text, id } = given(`{ ${base},\n "result" : {"score":{"raw":1.10},"extensions":{"https://example.org/e":{"__proto__":12345678901234567890}}} }`);
  t.equal(text, `{ ${base},\n "result" : {"score":{"raw":1.10},"extensions":{"https://example.org/e":{"__proto__":12345678901234567890}}} ,"id":"${id}","version":"1.0.0","authority":${JSON.stringify(authority)}}`);
  t.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4/);
  t.equal(given(`{${base}}`, { version: '2.0.0' }).text.includes('"version":"2.0.0"'), true);
  t.equal(given(`{${base},"version":"1.0.2"}`).text.match(/"version"/g)!.length, 1, 'a version of its own stays');
});

t.test('authority and stored of the client are cut out, wherever they stand', async (t) => {
  for (const text of [`{"stored":"2020-01-01T00:00:00Z",${base}}`, `{${base},"authority":{"mbox":"mailto:eve@example.org"}}`, `{"authority":{"mbox":"mailto:eve@example.org"} , ${base} , "stored" : "2020-01-01T00:00:00Z" }`]) {
    const stored = JSON.parse(given(text).text) as { authority: object; stored?: string };
    t.same(stored.authority, authority);
    t.equal(stored.stored, undefined);
    t.equal(given(text).text.match(/"authority"/g)!.length, 1);
  }
});

t.test('ids: the client’s own, the one of a PUT, or a new one; compared in lower case', async (t) => {
  const id = 'ABCDEF00-0000-4000-8000-00000000000A';
  const own = given(`{"id":"${id}",${base}}`);
  t.equal(own.id, id.toLowerCase());
  t.ok(own.text.includes(id), 'given back as it was written');
  t.equal(given(`{${base}}`, { id }).id, id.toLowerCase());
  const voiding = given(`{"actor":{"mbox":"mailto:ann@example.org"},"verb":{"id":"${voidedVerb}"},"object":{"objectType":"StatementRef","id":"${id}"}}`);
  t.match(voiding, { target: id.toLowerCase(), voids: true });
});

t.test('single context activities become arrays, and all else stays as it was sent', async (t) => {
  const context = '{"contextActivities":{"parent":{"id":"https://example.org/p"},"category":[{"id":"https://example.org/c"}]}}';
  const { text } = given(`{${base},"context":${context}, "result":{"score":{"raw":1.10}}}`);
  t.same((JSON.parse(text) as { context: object }).context, { contextActivities: { parent: [{ id: 'https://example.org/p' }], category: [{ id: 'https://example.org/c' }] } });
  t.ok(text.includes('"result":{"score":{"raw":1.10}}'), 'the rest keeps its digits');
  const sub = given(`{"actor":{"mbox":"mailto:ann@example.org"},"verb":{"id":"https://example.org/did"},"object":{"objectType":"SubStatement",${base},"context":${context}},"context":{"extensions":{"https://example.org/e":1.10}}}`);
  t.same((JSON.parse(sub.text) as { object: { context: { contextActivities: { parent: object } } } }).object.context.contextActivities.parent, [{ id: 'https://example.org/p' }]);
  t.ok(sub.text.includes('"https://example.org/e":1.10'));
  const odd = String.raw`{ "extensions":{"https://example.org/e":{"contextActivities":{"parent":{"n":1.10}}}}, "context\u0041ctivities" : { "parent" :{"id":"https://example.org/p", "definition":{"extensions":{"https://example.org/n":12345678901234567890.10}}} ,"grouping":[ ]}}`;
  const kept = given(`{${base},"context" : ${odd}}`);
  t.ok(kept.text.includes(odd.replace('"parent" :{"id"', '"parent" :[{"id"').replace('567890.10}}}', '567890.10}}}]')), kept.text);
});
