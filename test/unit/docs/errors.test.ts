import t from 'tap';
import { errorRegistry, type ErrorCode } from '../../../src/xapi/errors.js';
import { listProjectFiles, readProjectFile } from './project-files.js';

const document = readProjectFile('docs/errors.md');
const codes = Object.keys(errorRegistry) as ErrorCode[];

/** The sections of the document by code. */
const sections = new Map([...document.matchAll(/^### (\S+)\n([^#]*)/gm)].map(([, code, text]) => [code!, text!]));

t.test('every code of the registry has a section, and every section is of a code', async (t) => {
  t.strictSame([...sections.keys()].sort(), [...codes].sort());
});

t.test('each section says status, example and what to do', async (t) => {
  for (const code of codes) {
    const text = sections.get(code) ?? '';
    t.match(text, new RegExp(`^Status ${errorRegistry[code].status}\\. \\S`), `${code}: status and meaning`);
    t.match(text, /^Example: \S/m, `${code}: example`);
    t.match(text, /^What to do: \S/m, `${code}: what to do`);
  }
});

t.test('sections stand under a heading with their status', async (t) => {
  let statuses: string[] = [];
  for (const [, level, text] of document.matchAll(/^(##|###) (.+)$/gm)) {
    if (level === '##') statuses = text!.split(', ');
    else t.ok(statuses.includes(String(errorRegistry[text as ErrorCode].status)), `${text} under ${statuses.join(', ')}`);
  }
});

t.test('every code is thrown somewhere', async (t) => {
  const source = listProjectFiles('src', '.ts').filter((path) => path !== 'src/xapi/errors.ts').map(readProjectFile).join('\n');
  for (const code of codes) {
    const made = code === 'unauthorized' ? /unauthorized\(/ : new RegExp(`(?:QuipuError\\(|: |\\? )'${code}'`);
    t.match(source, made, code);
  }
});
