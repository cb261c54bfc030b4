import t from 'tap';
import { filterNames } from '../../../src/query/filters.js';
import { verbSets } from '../../../src/query/verb-sets.js';
import { loadViews } from '../../../src/query/views.js';
import { readProjectFile } from './project-files.js';

const document = readProjectFile('docs/analytics.md');
const views = document.slice(document.indexOf('\n## Views\n'));

t.test('every view has a section with its sentence and its columns, and every section is of a view', async (t) => {
  const sections = new Map([...views.matchAll(/^### (\S+)\n\n(.+)\n\n\| Column \| Meaning \|\n\|---\|---\|\n((?:\| .*\n)+)/gm)].map(([, name, definition, table]) => [name!, { definition, table }]));
  t.strictSame([...sections.keys()].sort(), [...loadViews().keys()].sort());
  for (const { name, definition, columns } of loadViews().values()) {
    t.equal(sections.get(name)?.definition, definition, name);
    t.equal(sections.get(name)?.table, columns.map((column) => `| \`${column.name}\` | ${column.description} |\n`).join(''), `${name}: columns`);
  }
});

t.test('every column of the table statements is told, with its type', async (t) => {
  const [, made = ''] = /^CREATE TABLE IF NOT EXISTS quipu\.statement_log\n\(\n([\s\S]*?)\n\)/m.exec(readProjectFile('src/query/migrations/0001-statement-log.sql')) ?? [];
  const columns = [...made.matchAll(/^ {4}(\w+) ([A-Z]\w*(?:\((?:[^()]|\([^()]*\))*\))?)/gm)].map(([, name, type]) => `\`${name}\` | \`${type}\``).filter((column) => !/^`(?:INDEX|erasure)`/.test(column));
  const table = document.slice(document.indexOf('\n## The table `statements`\n'));
  t.strictSame([...table.slice(0, table.indexOf('\n## ', 1)).matchAll(/^\| (`\w+` \| `[^`]+`) \| .+ \|$/gm)].map(([, column]) => column), columns);
});

t.test('every filter and every set of verbs is told', async (t) => {
  for (const name of filterNames) t.match(document, new RegExp(`^\\| \`${name}\` \\|`, 'm'), name);
  for (const [name, verbs] of Object.entries(verbSets)) t.ok(document.includes(`| \`${name}\` | ${verbs.map((verb) => `\`${verb}\``).join(', ')} |`), name);
});
