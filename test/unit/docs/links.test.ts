import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { listProjectFiles, readProjectFile, root } from './project-files.js';

const documents = [
  'README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md',
  ...['docs', 'src', 'test', 'conformance'].flatMap((folder) => listProjectFiles(folder, '.md')),
];

/** The document without its blocks of code, whose text is no link. */
function prose(path: string): string {
  return readProjectFile(path).replace(/^ *```[\s\S]*?^ *```/gm, '');
}

/** Anchors of a document's headings, as GitHub makes them. */
function anchors(path: string): Set<string> {
  const headings = [...prose(path).matchAll(/^#+ (.+)$/gm)].map(([, text]) => text!);
  return new Set(headings.map((text) => text.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(' ', '-')));
}

t.test('every relative link leads to a file, and its anchor to a heading', async (t) => {
  for (const path of documents) {
    for (const [, target] of prose(path).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target!)) continue;
      const [file = '', anchor] = target!.split('#');
      const linked = file === '' ? path : join(dirname(path), file);
      t.ok(existsSync(join(root, linked)), `${path}: ${target}`);
      if (anchor !== undefined) t.ok(anchors(linked).has(anchor), `${path}: ${target}: the heading`);
    }
  }
});

t.test('every path of the project that a document names is there', async (t) => {
  for (const path of documents) {
    for (const [, named] of prose(path).matchAll(/`((?:src|test|docs|conformance|bench)\/[\w./-]*\w)\/?`/g)) {
      t.ok(existsSync(join(root, named!)), `${path}: ${named}`);
    }
  }
});

t.test('the files in the map of ARCHITECTURE.md are there', async (t) => {
  const map = /^```\n(src\/[\s\S]*?)^```/m.exec(readProjectFile('ARCHITECTURE.md'))?.[1] ?? '';
  let folder = '';
  let count = 0;
  for (const line of map.split('\n').filter(Boolean)) {
    const names = line.trim().split(/\s{2,}/)[0]!.split(' ').filter((name) => /[./]/.test(name));
    const depth = line.search(/\S/);
    for (const name of names) {
      const path = depth === 0 ? name : depth === 2 ? join('src', name) : join(folder, name);
      t.ok(existsSync(join(root, path)), path);
      count++;
      if (depth === 2 && statSync(join(root, path)).isDirectory()) folder = path;
    }
  }
  t.ok(count > 20, 'the map is read');
});

t.test('a decision that the source cites has its record', async (t) => {
  const records = listProjectFiles('docs/adr', '.md').join('\n');
  for (const path of listProjectFiles('src', '.ts')) {
    for (const [, number] of readProjectFile(path).matchAll(/\bADR (\d{4})\b/g)) t.match(records, `docs/adr/${number}-`, `${path}: ${number}`);
  }
});

t.test('every record is in the list of records', async (t) => {
  const list = readProjectFile('docs/adr/README.md');
  for (const path of listProjectFiles('docs/adr', '.md')) {
    if (!path.endsWith('README.md')) t.match(list, `(${path.slice('docs/adr/'.length)})`, path);
  }
});
