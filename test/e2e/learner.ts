import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import type { Test } from 'tap';
import type { Statement } from '../../src/xapi/types.js';
import { startProcess, type ServerProcess } from '../integration/server-process.js';
import { freePort } from '../services/service-process.js';

/** How long anything in the browser or after it may take, in milliseconds. */
const PATIENCE = 30_000;

/** A learner's enrolment in a course, as an LMS that uses the API sees it. */
export interface Enrolment {
  course: string;
  registration: string;
  learner: { objectType: 'Agent'; account: { homePage: string; name: string } };
  /** Prepares a launch of the first AU. */
  launch(options?: object): Promise<{ url: string; session: string }>;
  /** The statements of the registration in the order in which they were stored. */
  statements(): Promise<Statement[]>;
  /** What `GET /v1/registrations/{id}/status` says. */
  status(): Promise<{ satisfied: boolean }>;
}

/** A page of content, and the faults of its scripts. */
export interface ContentPage {
  page: Page;
  /** Of scripts that ended with an error. */
  errors: string[];
  /** Waits until the page says this of itself. @throws Error when a script of it fails before */
  reaches(text: string): Promise<void>;
  /** Waits until the page says what went wrong. */
  fails(): Promise<string>;
}

/** A server of its own, with a port for content, that ends with the test. */
export async function startLms(t: Test, env: Record<string, string> = {}): Promise<ServerProcess> {
  const dataDir = await mkdtemp(join(tmpdir(), 'quipu-e2e-'));
  const server = await startProcess(dataDir, { QUIPU_PORT: String(await freePort()), QUIPU_CONTENT_PORT: String(await freePort()), ...env });
  t.teardown(async () => {
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  });
  return server;
}

/** An answer of the API that has to be a success. */
export async function demand<T>(server: ServerProcess, method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<T> {
  const answer = await server.request(path, { method, body, headers, version: null });
  if (answer.status < 200 || answer.status > 299) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
  return answer.json<T>();
}

/** Asks again until what is asked for is there, or time is over. */
export async function eventually<T>(ask: () => Promise<T>, enough: (value: T) => boolean): Promise<T> {
  for (const start = Date.now(); ;) {
    const value = await ask();
    if (enough(value) || Date.now() - start > PATIENCE) return value;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Imports a package and enrols a learner who is new. */
export async function enrol(server: ServerProcess, content: Buffer): Promise<Enrolment> {
  const { course } = await demand<{ course: string }>(server, 'POST', '/v1/cmi5/packages', content, { 'content-type': 'application/zip' });
  const learner = { objectType: 'Agent', account: { homePage: 'https://example.org', name: randomUUID() } } as const;
  const { id: registration } = await demand<{ id: string }>(server, 'POST', '/v1/registrations', { course, learner });
  return {
    course, registration, learner,
    launch: (options = {}) => demand(server, 'POST', `/v1/registrations/${registration}/launch`, { unit: 0, ...options }),
    async statements() {
      const answer = await server.request('statements', { query: { registration, ascending: true, limit: 0 }, version: '1.0.3' });
      return answer.json<{ statements: Statement[] }>().statements;
    },
    status: () => demand(server, 'GET', `/v1/registrations/${registration}/status`),
  };
}

/** A window of a browser that knows nothing of others. */
export async function openWindow(t: Test, browser: Browser): Promise<ContentPage> {
  const context = await browser.newContext();
  t.teardown(() => context.close());
  return contentPage(await context.newPage());
}

/** @param where the frame that the content is in, when it is in one */
export function contentPage(page: Page, where?: string): ContentPage {
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  const content = where === undefined ? page : page.frameLocator(where);
  const shown = async (): Promise<{ state: string | null; faults: string[] }> => {
    const [state, fault] = await Promise.all(['#state', '#fault'].map((id) => content.locator(id).textContent({ timeout: PATIENCE })));
    return { state: state!, faults: [...errors, ...(fault ? [fault] : [])] };
  };
  return {
    page, errors,
    async reaches(text) {
      const { state, faults } = await eventually(shown, ({ state, faults }) => state === text || faults.length > 0);
      if (state !== text) throw new Error(`The page is at ${JSON.stringify(state)}, not at ${JSON.stringify(text)}: ${faults.join('; ')}`);
    },
    async fails() {
      return (await eventually(shown, ({ faults }) => faults.length > 0)).faults.join('; ');
    },
  };
}

/** The last part of an IRI. */
export function shortVerb(id: string): string {
  return id.slice(id.lastIndexOf('/') + 1);
}
