import type { ClickHouseClient } from '@clickhouse/client';
import { readSqlFiles, statementsOf } from './sql-files.js';

/**
 * Brings the database `quipu` up to date: runs the migrations that it has not recorded, in order of their numbers. A
 * migration that was cut short runs again, so each of its statements has to bear being repeated.
 * @returns how many were run
 * @throws Error when the database belongs to a newer version of Quipu
 */
export async function migrate(client: ClickHouseClient): Promise<number> {
  await client.command({ query: 'CREATE DATABASE IF NOT EXISTS quipu' });
  await client.command({ query: "CREATE TABLE IF NOT EXISTS quipu.migrations (number UInt32, name String, applied DateTime64(3, 'UTC')) ENGINE = MergeTree ORDER BY number" });
  const recorded = await client.query({ query: 'SELECT DISTINCT number FROM quipu.migrations', format: 'JSONEachRow' });
  const applied = new Set((await recorded.json<{ number: number }>()).map(({ number }) => number));
  const files = readSqlFiles('migrations').map(({ name, text }) => ({ name, text, number: Number(name.slice(0, 4)) }));
  const newest = files.at(-1)?.number ?? 0;
  for (const number of applied) if (number > newest) throw new Error(`The analytics database has migration ${number}, which a newer version of Quipu has made; this one knows ${newest}.`);
  let run = 0;
  for (const { number, name, text } of files) {
    if (applied.has(number)) continue;
    for (const query of statementsOf(text)) await client.command({ query });
    await client.insert({ table: 'quipu.migrations', values: [{ number, name, applied: new Date().toISOString().slice(0, -1) }], format: 'JSONEachRow' });
    run++;
  }
  return run;
}
