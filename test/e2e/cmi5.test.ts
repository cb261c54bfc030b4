import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import t, { type Test } from 'tap';
import type { Statement } from '../../src/xapi/types.js';
import { withoutEngine } from '../integration/analytics/analytics-server.js';
import { startProcess, type ServerProcess } from '../integration/server-process.js';
import { freePort } from '../services/service-process.js';
import { browserFor } from './browser.js';
import { rusticiPackage, xapiJsPackage } from './packages.js';

t.setTimeout(240_000);

/** How long anything in the browser or after it may take, in milliseconds. */
const PATIENCE = 30_000;
const sessionId = 'https://w3id.org/xapi/cmi5/context/extensions/sessionid';

interface Course { course: string }
interface Registration { id: string }
interface Launch { url: string; session: string }

/** What a registration comes to: a first visit that a refresh of the page ends, and a second that finishes the course and closes the tab. */
const firstVisit = ['launched', 'initialized', 'ended'];
const verbsOfRustici = [...firstVisit, 'launched', 'initialized', 'completed', 'passed', 'satisfied', 'satisfied', 'terminated'];
const verbsOfXapiJs = [...firstVisit, 'launched', 'initialized', 'progressed', 'completed', 'satisfied', 'passed', 'terminated'];

/** An answer of the API that has to be a success. */
async function demand<T>(server: ServerProcess, method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<T> {
  const answer = await server.request(path, { method, body, headers, version: null });
  if (answer.status < 200 || answer.status > 299) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
  return answer.json<T>();
}

/** Asks again until what is asked for is there. */
async function eventually<T>(ask: () => Promise<T>, enough: (value: T) => boolean): Promise<T> {
  for (const start = Date.now(); ;) {
    const value = await ask();
    if (enough(value) || Date.now() - start > PATIENCE) return value;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** The statements of a registration in the order in which they were stored. */
async function statementsOf(server: ServerProcess, registration: string): Promise<Statement[]> {
  const answer = await server.request('statements', { query: { registration, ascending: true, limit: 0 }, version: '1.0.3' });
  return answer.json<{ statements: Statement[] }>().statements;
}

const shortVerb = (id: string): string => id.slice(id.lastIndexOf('/') + 1);

/** Waits for what the page says it has come to. @param errors of its scripts, as they come */
async function reaches(page: Page, errors: readonly string[], text: string): Promise<void> {
  const { state, faults } = await eventually(async () => {
    const [state, fault] = await Promise.all(['#state', '#fault'].map((id) => page.locator(id).textContent({ timeout: PATIENCE })));
    return { state, faults: [...errors, ...(fault ? [fault] : [])] };
  }, ({ state, faults }) => state === text || faults.length > 0);
  if (state !== text) throw new Error(`The page is at ${JSON.stringify(state)}, not at ${JSON.stringify(text)}: ${faults.join('; ')}`);
}

/** A learner takes a course: from the import of its package to what reports say. */
async function study(t: Test, browser: Browser, server: ServerProcess, content: Buffer, expected: readonly string[]): Promise<void> {
  const { course } = await demand<Course>(server, 'POST', '/v1/cmi5/packages', content, { 'content-type': 'application/zip' });
  const learner = { objectType: 'Agent', account: { homePage: 'https://example.org', name: randomUUID() } };
  const { id: registration } = await demand<Registration>(server, 'POST', '/v1/registrations', { course, learner });
  const { url, session } = await demand<Launch>(server, 'POST', `/v1/registrations/${registration}/launch`, { unit: 0 });
  t.not(new URL(url).origin, new URL(server.url).origin, 'content has an origin of its own');

  const context = await browser.newContext();
  t.teardown(() => context.close());
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  await page.goto(url);
  await reaches(page, errors, 'ready, visit 1');
  await page.reload();
  await reaches(page, errors, 'ready, visit 2');
  await page.locator('#finish').click();
  await reaches(page, errors, 'finished');
  await page.close({ runBeforeUnload: true });

  const statements = await eventually(() => statementsOf(server, registration), (found) => found.length >= expected.length);
  // On a refresh the last words of the page and the request for the new one are on their way at once: whichever comes first ends the session.
  const said = statements.map(({ verb }, index) => (index === 2 && /\/(?:terminated|abandoned)$/.test(verb.id) ? 'ended' : shortVerb(verb.id)));
  t.strictSame(said, expected);
  t.strictSame(errors, []);
  const sessions = [...new Set(statements.map(({ context }) => context!.extensions![sessionId]))];
  t.equal(sessions.length, 2, 'a refresh begins another session');
  t.equal(sessions[0], session);
  t.ok(statements.every(({ actor }) => 'account' in actor && actor.account!.name === learner.account.name));
  t.match(await demand(server, 'GET', `/v1/registrations/${registration}/status`), { satisfied: true });

  await t.test('reports have it', { skip: withoutEngine }, async (t) => {
    const rows = await eventually(
      () => demand<{ rows: { verb: string; statements: number }[] }>(server, 'GET', `/v1/analytics/verbs?registration=${registration}`).then((view) => view.rows, () => []),
      (found) => found.reduce((sum, row) => sum + Number(row.statements), 0) >= expected.length,
    );
    t.strictSame(rows.map(({ verb }) => shortVerb(verb)).sort(), [...new Set(statements.map(({ verb }) => shortVerb(verb.id)))].sort());
  });
}

const browser = await browserFor(t);
if (browser) {
  const dataDir = await mkdtemp(join(tmpdir(), 'quipu-e2e-'));
  const server = await startProcess(dataDir, { QUIPU_PORT: String(await freePort()), QUIPU_CONTENT_PORT: String(await freePort()), QUIPU_ANALYTICS: 'auto' });
  t.teardown(async () => {
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  });
  const rustici = await rusticiPackage();
  const xapiJs = await xapiJsPackage();
  await t.test('content with @rusticisoftware/cmi5', (t) => study(t, browser, server, rustici, verbsOfRustici));
  await t.test('content with @xapi/cmi5', (t) => study(t, browser, server, xapiJs, verbsOfXapiJs));
}
