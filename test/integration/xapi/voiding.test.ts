import { randomUUID } from 'node:crypto';
import t from 'tap';
import { startServer, type TestServer } from '../server.js';
import { attachmentOf, attachmentPart, listIds, multipart, post, refTo, sample, VOIDED, voiding } from './samples.js';

/** Status of a GET by statementId and by voidedStatementId. */
async function statuses(server: TestServer, id: string): Promise<[number, number]> {
  return [(await server.request('statements', { query: { statementId: id } })).status, (await server.request('statements', { query: { voidedStatementId: id } })).status];
}

t.test('a voided statement is given by voidedStatementId alone', async (t) => {
  const server = await startServer(t);
  for (const version of ['1.0.3', '2.0.0']) {
    const [target, bystander] = [sample(), sample()];
    await post(server, [target, bystander], { version });
    t.same(await statuses(server, target.id), [200, 404]);
    const voids = voiding(target);
    await post(server, voids, { version });
    t.same(await statuses(server, target.id), [404, 200], 'voided');
    t.same(await statuses(server, target.id.toUpperCase()), [404, 200], 'ids are compared without regard to case');
    t.same(await statuses(server, bystander.id), [200, 404], 'another one');
    t.same(await statuses(server, voids.id), [200, 404], 'the voiding one');
    t.match((await server.request('statements', { query: { voidedStatementId: target.id } })).json(), target, 'with all its content');
    const found = await listIds(server);
    t.ok(found.includes(voids.id) && found.includes(bystander.id) && !found.includes(target.id), 'lists');
    t.equal((await server.request('statements', { method: 'POST', version, body: target })).status, 200, 'it can be sent again');
    t.same(await statuses(server, target.id), [404, 200], 'and stays voided');
  }
});

t.test('in any order of arrival', async (t) => {
  const server = await startServer(t);
  const target = sample();
  const voids = voiding(target);
  t.equal((await server.request('statements', { method: 'POST', body: voids })).status, 200, 'a voiding statement whose target is not there is taken');
  await post(server, target);
  t.same(await statuses(server, target.id), [404, 200]);
  const [one, two] = [sample(), sample()];
  await post(server, [voiding(one), one, two, voiding(two)]);
  t.same(await statuses(server, one.id), [404, 200], 'before, in one batch');
  t.same(await statuses(server, two.id), [404, 200], 'after, in one batch');
  await server.restart();
  t.same(await statuses(server, target.id), [404, 200], 'after a restart');
});

t.test('a voiding statement can not be voided', async (t) => {
  const server = await startServer(t);
  const target = sample();
  const voids = voiding(target);
  const again = voiding(voids);
  await post(server, [target, voids, again]);
  t.same(await statuses(server, voids.id), [200, 404]);
  t.same(await statuses(server, target.id), [404, 200], 'and its target stays voided');
  t.same(await listIds(server), [again.id, voids.id]);
  const early = voiding(sample());
  await post(server, [voiding(early), early]);
  t.same(await statuses(server, early.id), [200, 404], 'in the other order');
});

t.test('only the verb with a StatementRef voids', async (t) => {
  const server = await startServer(t);
  const target = sample();
  await post(server, [target, sample({ object: refTo(target) }), sample({ context: { statement: refTo(target) } }), sample({ verb: { id: VOIDED.toUpperCase() }, object: refTo(target) })]);
  t.same(await statuses(server, target.id), [200, 404]);
  for (const version of ['1.0.3', '2.0.0']) {
    for (const object of [undefined, { id: 'https://example.org/a' }, { objectType: 'Agent', mbox: 'mailto:a@b.org' }, { objectType: 'StatementRef' }, { objectType: 'StatementRef', id: 'x' }]) {
      t.equal((await server.request('statements', { method: 'POST', version, body: { ...sample({ verb: { id: VOIDED } }), object } })).status, 400, JSON.stringify(object));
    }
  }
});

t.test('of nobody: the target may never come', async (t) => {
  const server = await startServer(t);
  const id = randomUUID();
  await post(server, voiding({ id }));
  t.same(await statuses(server, id), [404, 404]);
});

t.test('voidedStatementId takes format and attachments', async (t) => {
  const server = await startServer(t);
  const bytes = Buffer.from('voided bytes');
  const target = sample({ attachments: [attachmentOf(bytes)] });
  await server.request('statements', multipart([target, voiding(target)], [attachmentPart(bytes)]));
  const answer = await server.request('statements', { query: { voidedStatementId: target.id, attachments: true, format: 'ids' } });
  t.equal(answer.status, 200);
  t.match(answer.headers['content-type'], /^multipart\/mixed/);
  t.ok(answer.text.includes('voided bytes'));
});
