// Reads what the tests printed and ends with the line that counts them. Exit status 1 unless all passed.
import { readFileSync } from 'node:fs';

const [log, status] = process.argv.slice(2);
const text = readFileSync(log, 'utf8').replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '');
const summary = [...text.matchAll(/^# \{ total: (.*) \}$/gm)].at(-1)?.[1] ?? '';
const count = (name) => Number(new RegExp(`\\b${name}: (\\d+)`).exec(summary)?.[1] ?? 0);
const passed = count('pass');
const failed = count('fail');
const fine = status === '0' && failed === 0 && passed > 0;
if (!fine && failed === 0) console.log(passed === 0 ? 'No test was run.' : `The test command ended with status ${status}.`);
console.log(`${passed} passed, ${fine ? 0 : Math.max(failed, 1)} failed${count('skip') > 0 ? `, ${count('skip')} skipped` : ''}`);
process.exitCode = fine ? 0 : 1;
