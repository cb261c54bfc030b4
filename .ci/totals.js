// Reads what the tests printed, repeats what failed and where, and ends with the line that counts them. Exit status 1 unless
// all passed.
import { readFileSync } from 'node:fs';

const [log, status] = process.argv.slice(2);
const lines = readFileSync(log, 'utf8')
  .replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '')
  .split('\n');

/** What failed: for each failed assertion the subtests it stands in and what tap said of it, at most 60 lines. */
function failures() {
  const found = [];
  const within = [];
  for (const [number, line] of lines.entries()) {
    const [, indent, subtest, failed] = /^( *)(?:# Subtest: (.*)|not ok \d+ - (.*))$/.exec(line) ?? [];
    if (indent === undefined) continue;
    const depth = indent.length / 4;
    if (subtest !== undefined) {
      within.length = depth;
      within[depth] = subtest;
    } else if (!failed.includes('# TODO')) {
      const about = lines[number + 1] === `${indent}  ---` ? lines.slice(number + 2, number + 62) : [];
      const end = about.indexOf(`${indent}  ...`);
      found.push([`Failed: ${[...within.slice(0, depth), failed].join(' > ')}`, ...about.slice(0, end < 0 ? undefined : end)].join('\n'));
    }
  }
  return found;
}

const summary = /^# \{ total: (.*) \}$/.exec(lines.findLast((line) => line.startsWith('# { total: ')) ?? '')?.[1] ?? '';
const count = (name) => Number(new RegExp(`\\b${name}: (\\d+)`).exec(summary)?.[1] ?? 0);
const passed = count('pass');
const failed = count('fail');
const fine = status === '0' && failed === 0 && passed > 0;
if (!fine) console.log(['', ...failures()].join('\n\n'));
if (!fine && failed === 0) console.log(passed === 0 ? 'No test was run.' : `The test command ended with status ${status}.`);
console.log(`${passed} passed, ${fine ? 0 : Math.max(failed, 1)} failed${count('skip') > 0 ? `, ${count('skip')} skipped` : ''}`);
process.exitCode = fine ? 0 : 1;
