import { randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import { checkBatches, checkDocuments, checkEverything, checkLateTargets } from '../kill-checks.js';
import type { Ledger, LoadTarget } from '../kill-load.js';
import { until, type Installation } from './installation.js';

/** Sends a last statement to each process and waits until all have come everywhere: then everything before them is settled. */
export async function settled({ serving, poller, recorder, listener, clickhouse }: Installation, ledger: Ledger): Promise<void> {
  const last: string[] = [];
  for (const server of serving()) {
    const statement = { id: randomUUID(), actor: { mbox: 'mailto:ann@example.org' }, verb: { id: 'https://example.org/ended' }, object: { id: 'https://example.org/all' } };
    await until(async () => (await server.request('statements', { method: 'POST', body: statement })).status === 200, 'a last statement is taken');
    ledger.batches.push({ statements: [statement], answered: true, attachments: new Map() });
    last.push(statement.id);
  }
  await until(() => last.every((id) => poller.seen.some((entry) => entry.kind === 'statement' && entry.id === id)), 'the feed tells the last statements');
  await until(async () => {
    const lines = await recorder.lines();
    return last.every((id) => lines.some((line) => line.id === id));
  }, 'the recorder has them');
  await until(() => last.every((id) => listener.events.some(({ data }) => data?.includes(id))), 'the live tail shows them');
  await until(async () => {
    const found = await clickhouse.client.query({ query: 'SELECT id FROM quipu.statement_log WHERE id IN {last:Array(UUID)}', query_params: { last }, format: 'JSONEachRow' });
    return (await found.json()).length === last.length;
  }, 'ClickHouse has them');
}

/** Store, feed, live tail, another consumer and ClickHouse tell the same, which is what was answered. */
export async function checkAll(t: Test, { serving, poller, recorder, listener, clickhouse }: Installation, target: LoadTarget, ledger: Ledger): Promise<void> {
  const server = serving()[0]!;
  await checkBatches(t, target, ledger.batches, 'at the end');
  await checkDocuments(t, target, ledger, 'at the end');
  const listed = await checkEverything(t, server, ledger);
  await checkLateTargets(t, target, ledger, new Set(listed.map(({ id }) => id)));

  const log = (await poller.readAll()).flatMap((entry) => (entry.kind === 'statement' ? [entry] : []));
  const asLine = ({ position, id }: { position: number; id: string }): string => `${position} ${id}`;
  const lines = log.map(asLine);
  t.ok(log.every(({ position }, at) => at === 0 || position > log[at - 1]!.position), 'positions grow');
  t.equal(new Set(log.map(({ id }) => id)).size, log.length, 'the feed has each statement once');
  t.same(log.filter(({ voided }) => !voided).map(({ id }) => id), listed.map(({ id }) => id), 'the feed tells what the list does, in the same order');

  t.same(poller.faults, [], 'whoever reads the feed never sees an entry at or below one that was read');
  t.same(poller.seen.map((entry) => asLine(entry as typeof log[number])), lines, 'who reads the feed as it grows has read all of it, each entry once');

  const recorded = (await recorder.lines()).map(asLine);
  t.same(recorded.filter((line, at) => recorded.indexOf(line) === at), lines, 'another consumer was given all, in order');

  const shown = listener.events.filter(({ event }) => event === 'statement').map(({ id, data }) => ({ position: id, id: (JSON.parse(data!) as { id: string }).id }));
  const places = new Map(lines.map((line, at) => [line, at]));
  t.ok(shown.every((one, at) => places.has(asLine(one)) && (at === 0 || one.position > shown[at - 1]!.position)), 'the live tail shows them in the order of the feed, each once');
  const seen = new Set(shown.map(({ id }) => id));
  t.same(log.filter(({ id, voided }) => !voided && !seen.has(id)).map(asLine), [], 'and all that are not voided');

  const rows = async (from: string) => (await clickhouse.client.query({ query: `SELECT toUInt32(position) AS position, toString(id) AS id FROM ${from} ORDER BY position, id`, format: 'JSONEachRow' })).json<{ position: number; id: string }>();
  t.same((await rows('quipu.statement_log')).map(asLine), lines, "ClickHouse's table holds each statement once");
  t.same((await rows('quipu_default.statements')).map(({ id }) => id), listed.map(({ id }) => id), "analysts' statements are those of the store, without the voided ones");
}
