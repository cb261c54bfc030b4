import type { Test } from 'tap';
import type { ActivityDefinition, Statement } from '../../src/xapi/types.js';
import { contract, openFor } from './adapters.js';
import { activity, agent, incoming, parsed, statement, uuid, verb, voiding } from './statement-samples.js';

const defining = (number: number, parts: Partial<Statement>) => incoming(statement(number, parts), { defines: true });
const defined = (name: string, definition: ActivityDefinition) => ({ ...activity(name), definition });

contract(async (t, adapter) => {
  const storage = await openFor(t, adapter);
  const { statements, canonical } = storage.current;
  let tenants = 0;
  const test = (name: string, body: (t: Test, tenant: string) => Promise<void>) => t.test(name, (t) => body(t, `tenant-${++tenants}`));
  const id = (name: string) => activity(name).id;

  await test('nothing is known at first; answers stand in the order of the question', async (t, tenant) => {
    t.strictSame(parsed(await canonical.definitions(tenant, [id('a')])), [undefined]);
    t.strictSame(parsed(await canonical.displays(tenant, [verb('a').id])), [undefined]);
    t.strictSame(await canonical.names(tenant, 'mbox:mailto:ann@example.org'), []);
    await statements.append(tenant, [defining(1, { object: defined('a', { type: 'https://example.org/a' }) }), defining(2, { object: defined('b', { type: 'https://example.org/b' }) })]);
    t.strictSame(parsed(await canonical.definitions(tenant, [id('b'), id('x'), id('a'), id('b')])),
      [{ type: 'https://example.org/b' }, undefined, { type: 'https://example.org/a' }, { type: 'https://example.org/b' }]);
    t.strictSame(parsed(await canonical.definitions(tenant, [])), []);
    t.strictSame(parsed(await canonical.displays(tenant, [])), []);
  });

  await test('definitions and displays are merged as statements come, seen as soon as append has answered', async (t, tenant) => {
    await statements.append(tenant, [
      defining(1, { verb: { ...verb('v'), display: { en: 'did' } }, object: defined('a', { name: { en: 'A' }, type: 'https://example.org/1' }) }),
      defining(2, { verb: { ...verb('v'), display: { de: 'tat' } }, object: defined('a', { name: { de: 'Ä' }, type: 'https://example.org/2' }) }),
    ]);
    t.strictSame(parsed(await canonical.definitions(tenant, [id('a')])), [{ name: { en: 'A', de: 'Ä' }, type: 'https://example.org/2' }]);
    t.strictSame(parsed(await canonical.displays(tenant, [verb('v').id])), [{ en: 'did', de: 'tat' }]);
    await statements.append(tenant, [defining(3, { object: defined('a', { name: { en: 'B' } }) })]);
    await statements.append(tenant, [defining(4, { object: defined('a', { name: { en: 'A' } }) })]);
    t.strictSame(parsed(await canonical.definitions(tenant, [id('a')])), [{ name: { en: 'A', de: 'Ä' }, type: 'https://example.org/2' }], 'the latest wins, also when it was known before');
  });

  await test('what the context and a SubStatement define is known too', async (t, tenant) => {
    await statements.append(tenant, [defining(1, {
      object: { objectType: 'SubStatement', actor: { ...agent('sub'), name: 'Sub' }, verb: { ...verb('sub'), display: { en: 'sub' } }, object: defined('sub', { name: { en: 'sub' } }) },
      context: { instructor: { ...agent('tom'), name: 'Tom' }, contextActivities: { parent: [defined('parent', { name: { en: 'parent' } })] } },
    })]);
    t.strictSame(parsed(await canonical.definitions(tenant, [id('sub'), id('parent')])), [{ name: { en: 'sub' } }, { name: { en: 'parent' } }]);
    t.strictSame(parsed(await canonical.displays(tenant, [verb('sub').id])), [{ en: 'sub' }]);
    t.strictSame([await canonical.names(tenant, 'mbox:mailto:sub@example.org'), await canonical.names(tenant, 'mbox:mailto:tom@example.org')], [['Sub'], ['Tom']]);
  });

  await test('a credential without the scope define changes nothing', async (t, tenant) => {
    await statements.append(tenant, [incoming(statement(1, { actor: { ...agent('ann'), name: 'Ann' }, verb: { ...verb('v'), display: { en: 'did' } }, object: defined('a', { name: { en: 'A' } }) }))]);
    t.strictSame(parsed(await canonical.definitions(tenant, [id('a')])), [undefined]);
    t.strictSame(parsed(await canonical.displays(tenant, [verb('v').id])), [undefined]);
    t.strictSame(await canonical.names(tenant, 'mbox:mailto:ann@example.org'), []);
  });

  await test('names: oldest first, each once', async (t, tenant) => {
    for (const [index, name] of ['Ann', 'Anna', 'Ann', '', 'Änn'].entries()) await statements.append(tenant, [defining(index, { actor: { ...agent('ann'), name } })]);
    t.strictSame(await canonical.names(tenant, 'mbox:mailto:ann@example.org'), ['Ann', 'Anna', 'Änn'], 'a name that is none is left out');
  });

  await test('forget: the names of one agent, until it is seen again', async (t, tenant) => {
    await statements.append(tenant, [defining(1, { actor: { ...agent('ann'), name: 'Ann' } }), defining(2, { actor: { ...agent('bob'), name: 'Bob' } })]);
    await canonical.forget(tenant, 'mbox:mailto:ann@example.org');
    await canonical.forget(tenant, 'mbox:mailto:nobody@example.org');
    t.strictSame(await canonical.names(tenant, 'mbox:mailto:ann@example.org'), []);
    t.strictSame(await canonical.names(tenant, 'mbox:mailto:bob@example.org'), ['Bob']);
    await statements.append(tenant, [defining(3, { actor: { ...agent('ann'), name: 'Ann' } })]);
    t.strictSame(await canonical.names(tenant, 'mbox:mailto:ann@example.org'), ['Ann']);
  });

  await test('concurrent statements: no merge is lost', async (t, tenant) => {
    await Promise.all(Array.from({ length: 40 }, (_, index) => statements.append(tenant, [defining(index, { actor: { ...agent('ann'), name: `n${index}` }, object: defined('a', { extensions: { [`https://example.org/${index}`]: index } }) })])));
    t.equal(Object.keys(parsed(await canonical.definitions(tenant, [id('a')]))[0]!.extensions!).length, 40);
    t.equal((await canonical.names(tenant, 'mbox:mailto:ann@example.org')).length, 40);
  });

  await test('__proto__ is a key like any other', async (t, tenant) => {
    const definition: ActivityDefinition = JSON.parse('{"extensions":{"__proto__":{"x":1}}}');
    await statements.append(tenant, [defining(1, { object: defined('a', definition) }), defining(2, { object: defined('a', { extensions: { 'https://example.org/x': 1 } }) }), defining(3, { object: { ...activity('__proto__'), definition } })]);
    t.equal((await canonical.definitions(tenant, [id('a')]))[0], '{"extensions":{"__proto__":{"x":1},"https://example.org/x":1}}');
    t.strictSame(parsed(await canonical.displays(tenant, ['__proto__'])), [undefined]);
  });

  await test('tenants share nothing', async (t, tenant) => {
    await statements.append(`${tenant}-a`, [defining(1, { actor: { ...agent('ann'), name: 'Ann' }, verb: { ...verb('v'), display: { en: 'did' } }, object: defined('a', { name: { en: 'A' } }) })]);
    t.strictSame(parsed(await canonical.definitions(`${tenant}-b`, [id('a')])), [undefined]);
    t.strictSame(parsed(await canonical.displays(tenant, [verb('v').id])), [undefined]);
    t.strictSame(await canonical.names(`${tenant}-b`, 'mbox:mailto:ann@example.org'), []);
    await statements.append(`${tenant}-b`, [defining(1, { actor: { ...agent('ann'), name: 'Ann' }, object: defined('a', { name: { en: 'A' } }) })]);
    t.strictSame(parsed(await canonical.definitions(`${tenant}-b`, [id('a')])), [{ name: { en: 'A' } }], 'what one tenant said before is new to the other');
    t.strictSame(await canonical.names(`${tenant}-b`, 'mbox:mailto:ann@example.org'), ['Ann']);
  });

  await test('voiding and erasing a statement takes back no definition (Part Two 2.3.2: an LRS may)', async (t, tenant) => {
    await statements.append(tenant, [defining(1, { object: defined('a', { name: { en: 'A' } }) }), voiding(2, 1)]);
    t.strictSame(parsed(await canonical.definitions(tenant, [id('a')])), [{ name: { en: 'A' } }]);
    await statements.erase(tenant, { erase: [uuid(1)], redact: [] });
    t.strictSame(parsed(await canonical.definitions(tenant, [id('a')])), [{ name: { en: 'A' } }]);
  });

  await t.test('reopening keeps what is known, and merging goes on', async (t) => {
    const own = await openFor(t, adapter);
    await own.current.statements.append('main', [defining(1, { actor: { ...agent('ann'), name: 'Ann' }, verb: { ...verb('v'), display: { en: 'did' } }, object: defined('a', { name: { en: 'A' } }) })]);
    await own.reopen();
    t.strictSame(parsed(await own.current.canonical.displays('main', [verb('v').id])), [{ en: 'did' }]);
    await own.current.statements.append('main', [defining(2, { actor: { ...agent('ann'), name: 'Anna' }, object: defined('a', { name: { de: 'Ä' } }) })]);
    t.strictSame(parsed(await own.current.canonical.definitions('main', [id('a')])), [{ name: { en: 'A', de: 'Ä' } }]);
    t.strictSame(await own.current.canonical.names('main', 'mbox:mailto:ann@example.org'), ['Ann', 'Anna']);
  });
});
