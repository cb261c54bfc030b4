import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { chromium as playwright, type Browser } from 'playwright-core';
import type { Test } from 'tap';
import { needed } from '../services/needed.js';

const names = ['chromium', 'chromium-browser', 'google-chrome', '/usr/bin/chromium'];

/** Where Chromium is: `QUIPU_TEST_CHROMIUM`, or the first that is installed; otherwise what to do to have it. */
export async function chromium(): Promise<{ path: string } | { path: undefined; missing: string }> {
  const given = process.env.QUIPU_TEST_CHROMIUM;
  for (const name of given ? [given] : names) {
    const found = await promisify(execFile)('sh', ['-c', 'command -v -- "$1"', 'sh', name]).then(({ stdout }) => stdout.trim(), () => '');
    if (found) return { path: found };
  }
  return { path: undefined, missing: 'install chromium (Debian: apt-get install chromium), or set QUIPU_TEST_CHROMIUM to its binary' };
}

/** A browser without a window, closed with the test; undefined when there is none, which is then said. */
export async function browserFor(t: Test): Promise<Browser | undefined> {
  const found = await chromium();
  if (!needed(t, 'chromium', found.path === undefined ? found.missing : undefined)) return undefined;
  const browser = await playwright.launch({ executablePath: found.path!, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
  t.teardown(() => browser.close());
  return browser;
}
