import type { Test } from 'tap';

/**
 * Says that a test lacks a service: skipped on a developer's machine, failed where `CI` is set.
 * @param missing what to do to have it; undefined when it is there
 * @returns whether the test can go on
 */
export function needed(t: Test, name: string, missing: string | undefined): boolean {
  if (missing === undefined) return true;
  if (process.env.CI) t.fail(`${name}: ${missing}`);
  else t.pass(name, { skip: missing });
  return false;
}
