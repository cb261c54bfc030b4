import { randomUUID } from 'node:crypto';
import t from 'tap';
import { startServer } from '../server.js';
import { ann, course, did, list, listIds, post, read, sample } from './samples.js';

const versions = ['1.0.3', '2.0.0'];
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

t.test('POST answers the ids in order, PUT answers nothing', async (t) => {
  const server = await startServer(t);
  for (const version of versions) {
    const [first, last] = [sample(), sample()];
    const answer = await post(server, [first, { actor: ann, verb: did, object: course }, last], { version });
    const ids = answer.json<string[]>();
    t.match(answer.headers['content-type'], /^application\/json/);
    t.same([ids[0], ids[2]], [first.id, last.id]);
    t.match(ids[1], uuid, 'an id is made where there is none');
    t.equal((await read(server, ids[1]!)).id, ids[1]);
    t.same((await post(server, sample({ id: first.id }), { version })).json(), [first.id], 'a single statement is answered as an array too');
    t.same((await post(server, [], { version })).json(), [], 'an empty batch');

    const put = sample();
    const stored = await server.request('statements', { method: 'PUT', version, query: { statementId: put.id }, body: put });
    t.equal(stored.status, 204);
    t.equal(stored.bytes.length, 0);
    const { id: _, ...nameless } = sample();
    const id = randomUUID();
    t.equal((await server.request('statements', { method: 'PUT', version, query: { statementId: id }, body: nameless })).status, 204);
    t.equal((await read(server, id)).id, id, 'the id of the request');
  }
});

t.test('requests that store nothing', async (t) => {
  const server = await startServer(t);
  const { id: _, ...nameless } = sample();
  const refused: [string, string, Record<string, unknown>, unknown, number][] = [
    ['PUT without statementId', 'PUT', {}, sample(), 400],
    ['PUT with a bad statementId', 'PUT', { statementId: 'x' }, nameless, 400],
    ['PUT with another id than the statement', 'PUT', { statementId: randomUUID() }, sample(), 400],
    ['PUT of an array', 'PUT', { statementId: randomUUID() }, [nameless], 400],
    ['PUT with an unknown parameter', 'PUT', { statementId: randomUUID(), foo: 1 }, nameless, 400],
    ['PUT with StatementId', 'PUT', { StatementId: randomUUID() }, nameless, 400],
    ['POST with statementId', 'POST', { statementId: randomUUID() }, nameless, 400],
    ['POST with a filter', 'POST', { limit: 1 }, nameless, 400],
    ['POST of a text', 'POST', {}, '"x"', 400],
    ['POST of no JSON', 'POST', {}, '{"actor"', 400],
    ['POST of nothing', 'POST', {}, undefined, 400],
    ['POST of null', 'POST', {}, 'null', 400],
    ['POST with a null among the statements', 'POST', {}, [sample(), null], 400],
    ['POST with a key twice', 'POST', {}, `{"actor":${JSON.stringify(ann)},"verb":${JSON.stringify(did)},"verb":${JSON.stringify(did)},"object":${JSON.stringify(course)}}`, 400],
    ['POST of invalid UTF-8', 'POST', {}, Buffer.concat([Buffer.from('{"actor":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]), 400],
    ['DELETE', 'DELETE', {}, undefined, 405],
    ['PATCH', 'PATCH', {}, nameless, 405],
  ];
  for (const version of versions) {
    for (const [name, method, query, body, status] of refused) {
      const answer = await server.request('statements', { method, version, query, body, headers: { 'Content-Type': 'application/json' } });
      t.equal(answer.status, status, `${version} ${name}: ${answer.text}`);
      t.match(answer.json(), { error: /\w/, message: /\w/ }, name);
    }
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx', 'multipart/form-data; boundary=x']) {
      const answer = await server.request('statements', { method: 'POST', version, body: JSON.stringify(sample()), headers: { 'Content-Type': type } });
      t.equal(answer.status, 400, `${version} ${type}`);
    }
    t.equal((await server.request('statements', { method: 'POST', version, body: JSON.stringify(sample()), headers: { 'Content-Type': 'not a type' } })).status, 415, 'a header that is no media type');
    t.equal((await server.request('statements', { method: 'POST', version, body: sample(), headers: { 'Content-Type': 'application/json; charset=utf-8' } })).status, 200, 'a charset is fine');
  }
  t.equal((await list(server)).statements.length, 2);
});

t.test('the whole batch or nothing; the error names the statement, the place and the rule', async (t) => {
  const server = await startServer(t);
  for (const version of versions) {
    const batch = [sample(), sample(), sample({ actor: { mbox: 'ann@example.org' } }), sample()];
    const answer = await server.request('statements', { method: 'POST', version, body: batch });
    t.equal(answer.status, 400);
    t.match(answer.json(), { error: 'invalid-statement', statement: 2, pointer: '/actor/mbox', rule: 'mbox-mailto', section: /2\.4\.2\.3|4\.2/, expected: /mailto:/ });
    for (const { id } of batch) t.equal((await server.request('statements', { query: { statementId: id } })).status, 404);
    const twice = sample();
    const repeated = await server.request('statements', { method: 'POST', version, body: [sample(), twice, { ...twice, id: twice.id.toUpperCase() }] });
    t.equal(repeated.status, 400);
    t.match(repeated.json(), { statement: 2, rule: 'batch-unique-ids' });
  }
  t.same(await listIds(server), []);
});

t.test('the same id again: equivalent content is fine and changes nothing, other content is 409', async (t) => {
  const server = await startServer(t);
  for (const version of versions) {
    const original = sample({
      actor: { objectType: 'Group', member: [ann, { mbox: 'mailto:b@EXAMPLE.org' }] }, verb: { ...did, display: { en: 'did' } },
      object: { ...course, definition: { name: { en: 'Course' } } }, timestamp: '2020-01-01T12:00:00.000Z', result: { duration: 'PT1.239S', score: { raw: 1.10 } },
    });
    await post(server, original, { version });
    const before = await read(server, original.id);
    const equal: [string, object][] = [
      ['itself', {}],
      ['members in another order', { actor: { objectType: 'Group', member: [{ mbox: 'mailto:b@example.org' }, ann] } }],
      ['another display', { verb: { ...did, display: { de: 'tat' } } }],
      ['another definition', { object: { ...course, definition: { name: { en: 'Other' } } } }],
      ['the same instant', { timestamp: '2020-01-01T13:00:00+01:00' }],
      ['a duration with more digits', { result: { duration: 'PT1.231S', score: { raw: 1.1 } } }],
      ['another authority and stored', { authority: ann, stored: '2001-01-01T00:00:00Z' }],
      ['the id in upper case', { id: original.id.toUpperCase() }],
    ];
    for (const [name, change] of equal) {
      t.equal((await server.request('statements', { method: 'POST', version, body: { ...original, ...change } })).status, 200, `${version} POST: ${name}`);
      t.equal((await server.request('statements', { method: 'PUT', version, query: { statementId: original.id }, body: { ...original, ...change } })).status, 204, `${version} PUT: ${name}`);
    }
    t.same(await read(server, original.id), before, 'the first one stays as it was');
    const others: [string, object][] = [
      ['another actor', { actor: ann }],
      ['another verb', { verb: { id: 'https://example.org/verbs/other' } }],
      ['another object', { object: { id: 'https://example.org/other' } }],
      ['another instant', { timestamp: '2020-01-01T12:00:00.001Z' }],
      ['another duration', { result: { duration: 'PT1.24S', score: { raw: 1.1 } } }],
      ['a result more', { result: { duration: 'PT1.239S', score: { raw: 1.1 }, success: true } }],
    ];
    for (const [name, change] of others) {
      const fresh = sample();
      const posted = await server.request('statements', { method: 'POST', version, body: [fresh, { ...original, ...change }] });
      t.equal(posted.status, 409, `${version} POST: ${name}`);
      t.match(posted.json(), { error: 'statement-conflict', statement: 1, message: new RegExp(original.id) }, 'it is named');
      t.equal((await server.request('statements', { query: { statementId: fresh.id } })).status, 404, 'nothing of the batch was stored');
      const put = await server.request('statements', { method: 'PUT', version, query: { statementId: original.id }, body: { ...original, ...change } });
      t.equal(put.status, 409, `${version} PUT: ${name}`);
      t.ok(put.bytes.length > 0, 'a 409 says why');
    }
    t.same(await read(server, original.id), before);
  }
});

t.test('a statement of the past is stored once by many at the same time', async (t) => {
  const server = await startServer(t);
  const statement = sample();
  const answers = await Promise.all(Array.from({ length: 20 }, (_, at) => server.request('statements', { method: 'POST', body: at % 2 ? statement : { ...statement, result: { success: true } } })));
  const stored = answers.filter(({ status }) => status === 200).length;
  t.equal(stored, 10, 'one content wins, its repetitions are fine');
  t.equal(answers.filter(({ status }) => status === 409).length, 10);
  t.equal((await list(server)).statements.length, 1);
});

/** What comes back must be what was sent, character by character where JSON gives no choice. */
const exact: [string, string][] = [
  ['numbers', '[1.10,1e3,0.1,-0,1E+2,123456789012345678,0.30000000000000004,1.7976931348623157e308,5e-324]'],
  ['an integer beyond 2^53', '12345678901234567890'],
  ['keys that mean something to programs', '{"__proto__":{"a":1},"constructor":{"prototype":1},"$where":1,"a.b":1,".":1,"":1,"$":1,"toString":1,"hasOwnProperty":0}'],
  ['unicode', '"Ünïcödé 学习 \u{1f600} \u{10ffff} \u2028\u2029 \ufeff e\u0301"'],
  ['escapes', '"\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u0000 \\u001f \\u00e9 \\ud83d\\ude00 \\u2028"'],
  ['escaped keys', '{"\\u0061":1,"\\ud83d\\ude00":2}'],
  ['nulls, empty things and nesting', '[null,{},[],"",{"a":[{"b":null}]}]'],
  ['blanks', '{ "a" :\t[ 1 ,\r\n 2 ] }'],
];

t.test('content comes back exactly, extensions above all', async (t) => {
  const server = await startServer(t);
  for (const version of versions) {
    for (const [name, value] of exact) {
      const id = randomUUID();
      const body = `{"id":"${id}","actor":{"mbox":"mailto:ann@example.org"},"verb":{"id":"urn:x:did"},"object":{"id":"urn:x:thing","definition":{"extensions":{"urn:x:definition":${value}}}},`
        + `"result":{"extensions":{"urn:x:result":${value}}},"context":{"extensions":{"urn:x:context":${value}}}}`;
      await post(server, body, { version, headers: { 'Content-Type': 'application/json' } });
      for (const query of [{ statementId: id }, { limit: 1 }]) {
        const { text } = await server.request('statements', { version, query });
        t.equal(text.split(value).length, 4, `${version} ${name}: three times as it was sent`);
      }
      t.equal((await server.request('statements', { method: 'POST', version, body, headers: { 'Content-Type': 'application/json' } })).status, 200, 'and it is equal to itself');
    }
  }
  await server.restart();
  for (const { value } of exact.map(([, value]) => ({ value }))) t.ok((await server.request('statements')).text.includes(value), 'after a restart too');
});

t.test('statements of every shape are given back with nothing lost and nothing added but what the LRS sets', async (t) => {
  const server = await startServer(t);
  const statement = sample({
    actor: { objectType: 'Group', name: 'Team', account: { homePage: 'https://example.org', name: '1' }, member: [{ ...ann, name: 'Ann' }] },
    verb: { ...did, display: { 'en-US': 'did', 'zh-Hant': '做' } },
    object: { objectType: 'SubStatement', actor: ann, verb: did, object: course, result: { success: false }, timestamp: '2999-01-01T00:00:00Z' },
    result: { score: { scaled: 0.10, raw: -1.5, min: -2, max: 1e2 }, success: true, completion: false, response: '', duration: 'PT1.23456S', extensions: {} },
    context: { registration: randomUUID().toUpperCase(), language: 'EN-us', statement: { objectType: 'StatementRef', id: randomUUID() }, contextActivities: { parent: [] } },
    timestamp: '2015-11-18T12:17:00.123456789+02:00',
  });
  for (const version of versions) {
    const sent = { ...statement, id: randomUUID() };
    await post(server, sent, { version });
    const { stored, authority, version: said, ...rest } = await read(server, sent.id);
    t.same(rest, sent);
    t.match(stored, instant);
    t.type(authority, 'object');
    t.equal(said, version === '1.0.3' ? '1.0.0' : '2.0.0');
  }
});

t.test('single context activities come back as arrays', async (t) => {
  const server = await startServer(t);
  const one = { id: 'urn:x:one', definition: { extensions: { 'urn:x:e': { a: null } } } };
  for (const version of versions) {
    const own = sample({ context: { contextActivities: { parent: one, grouping: [one], category: one, other: [] } } });
    const nested = sample({ object: { objectType: 'SubStatement', actor: ann, verb: did, object: course, context: { contextActivities: { other: one } } } });
    await post(server, [own, nested], { version });
    for (const format of ['exact', 'canonical']) {
      const found = (await server.request('statements', { version, query: { statementId: own.id, format } })).json<{ context: { contextActivities: Record<string, unknown[]> } }>();
      for (const kind of ['parent', 'grouping', 'category']) t.match(found.context.contextActivities[kind], [{ id: one.id }], `${format} ${kind}`);
      t.same(found.context.contextActivities.other, []);
    }
    t.match(await read(server, nested.id), { object: { context: { contextActivities: { other: [one] } } } });
    t.same((await read<{ context: object }>(server, own.id)).context, { contextActivities: { parent: [one], grouping: [one], category: [one], other: [] } });
  }
});

t.test('stored is ours: recent, monotonic, and what a client says is overwritten', async (t) => {
  const server = await startServer(t);
  const started = Date.now();
  const claimed = sample({ stored: '2001-01-01T00:00:00Z' });
  await post(server, claimed);
  const { stored, timestamp } = await read(server, claimed.id);
  t.match(stored, instant);
  t.ok(Date.parse(stored) >= started && Date.parse(stored) <= Date.now());
  t.equal(timestamp, stored, 'timestamp is set to stored when there is none');
  await Promise.all(Array.from({ length: 30 }, () => post(server, [sample(), sample()])));
  const all = (await list<{ stored: string }>(server, { ascending: true })).statements.map((one) => one.stored);
  t.equal(all.length, 61);
  t.same(all, [...all].sort(), 'in the order of the list');
  const now = Date.now;
  t.teardown(() => { Date.now = now; });
  Date.now = () => now() - 3_600_000;
  const late = sample();
  await post(server, late);
  t.ok((await read(server, late.id)).stored >= all.at(-1)!, 'stored never goes backwards, also when the clock does');
  t.equal((await listIds(server, { limit: 1 }))[0], late.id);
});

t.test('authority is the credential, whatever the statement says', async (t) => {
  const server = await startServer(t);
  const authority = { objectType: 'Agent', name: 'The LMS', account: { homePage: 'https://lms.example.org', name: 'lms' } };
  const key = await server.makeKey(['all'], { authority });
  for (const claimed of [undefined, ann, { objectType: 'Group', member: [ann, authority] }]) {
    const statement = sample({ authority: claimed });
    await post(server, statement, { key });
    t.same((await read(server, statement.id)).authority, authority);
  }
  t.equal((await server.request('statements', { method: 'POST', key, body: sample({ authority: { objectType: 'Group', member: [ann] } }) })).status, 400, 'a claim that is no authority is still judged');
});

t.test('a timestamp of the future is taken, that of a SubStatement too', async (t) => {
  const server = await startServer(t);
  for (const version of versions) {
    const statement = sample({ timestamp: '2999-12-31T23:59:59.999Z' });
    await post(server, statement, { version });
    t.equal((await read(server, statement.id)).timestamp, '2999-12-31T23:59:59.999Z');
  }
});

t.test('Activities of many authors under one id are one Activity, unknown ones are welcome', async (t) => {
  const server = await startServer(t);
  const [first, second] = [await server.makeKey(['all']), await server.makeKey(['all'])];
  const one = sample({ object: { ...course, definition: { name: { en: 'One' } } } });
  const two = sample({ object: { ...course, definition: { name: { en: 'Two' } } } });
  await post(server, one, { key: first });
  await post(server, two, { key: second });
  t.same(await listIds(server, { activity: course.id }), [two.id, one.id]);
});
