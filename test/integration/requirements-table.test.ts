import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';
import ts from 'typescript';

const root = new URL('../../../', import.meta.url);

/** One line of a requirement table. */
interface Requirement {
  id: string;
  text: string;
  proofs: { file: string; names: string[] }[];
}

/** Rows of the tables in a Markdown file whose columns are Id, Requirement and Proof. */
function readRequirements(path: string): Requirement[] {
  const rows = readFileSync(new URL(path, root), 'utf8').split('\n').filter((line) => /^\| (?!Id \|)\S/.test(line));
  return rows.map((row) => {
    const [, id = '', text = '', proof = ''] = row.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'));
    const proofs = proof.split('<br>').filter((one) => one !== '').map((one) => {
      const [file = '', ...names] = one.split(' › ');
      return { file: file.replaceAll('`', ''), names };
    });
    return { id, text, proofs };
  });
}

/** A text as it stands in a source, or what a template literal may become. */
interface Literal {
  raw: string;
  fits(value: string): boolean;
}

/** The titles of the tests in a source, and every other text in it. */
function literalsOf(source: string): { titles: Literal[]; texts: Literal[] } {
  const titles: Literal[] = [];
  const texts: Literal[] = [];
  const visit = (node: ts.Node): void => {
    const literal = asLiteral(node);
    if (literal) texts.push(literal);
    if (ts.isCallExpression(node) && /(^|\.)test$/.test(node.expression.getText())) {
      const title = node.arguments[0] && asLiteral(node.arguments[0]);
      if (title) titles.push(title);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('test.ts', source, ts.ScriptTarget.Latest, true));
  return { titles, texts };
}

function asLiteral(node: ts.Node): Literal | undefined {
  if (ts.isStringLiteralLike(node)) return { raw: node.text, fits: (value) => value === node.text };
  if (!ts.isTemplateExpression(node)) return undefined;
  const pieces = [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].map((piece) => piece.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const pattern = new RegExp(`^${pieces.join('.+')}$`, 's');
  return { raw: node.getText().slice(1, -1), fits: (value) => pattern.test(value) };
}

const sources = new Map<string, ReturnType<typeof literalsOf>>();

/** What is wrong with a proof, or undefined. */
function faultOf({ file, names }: Requirement['proofs'][number]): string | undefined {
  const url = new URL(`test/${file}.test.ts`, root);
  if (!existsSync(url)) return `there is no test/${file}.test.ts`;
  if (!sources.has(file)) sources.set(file, literalsOf(readFileSync(url, 'utf8')));
  const { titles, texts } = sources.get(file)!;
  const [title, ...cases] = names;
  const isOne = (literals: Literal[], value: string): boolean => literals.some(({ raw, fits }) => raw === value || fits(value));
  if (title === undefined || !isOne(titles, title)) return `test/${file}.test.ts has no test ${JSON.stringify(title)}`;
  const missing = cases.find((one) => !isOne(texts, one));
  return missing === undefined ? undefined : `test/${file}.test.ts has no case ${JSON.stringify(missing)}`;
}

const tables = ['1.0.3', '2.0.0'].map((version) => ({ version, requirements: readRequirements(`conformance/requirements-${version}.md`) }));

for (const { version, requirements } of tables) {
  t.test(`${version}: every requirement has a test, and every test that is named is there`, async (t) => {
    t.ok(requirements.length > 150, 'the table is read');
    for (const { id, text, proofs } of requirements) {
      t.match(id, /^[DCS][\dC]\S*-[a-z]+$/, 'an id');
      t.ok(text.length > 10, `${id} says what is required`);
      t.ok(proofs.length > 0, `${id} has a proof`);
      for (const proof of proofs) t.equal(faultOf(proof), undefined, id);
    }
    const ids = requirements.map(({ id }) => id);
    t.same(ids.filter((id, at) => ids.indexOf(id) !== at), [], 'no id twice');
  });
}

t.test('2.0.0 holds every requirement of 1.0.3 but those on the alternate request syntax', async (t) => {
  const [first, second] = tables.map(({ requirements }) => new Set(requirements.map(({ id }) => id)));
  t.same([...first!].filter((id) => !second!.has(id) && !id.startsWith('C1.3-')), []);
});

t.test('a proof that names nothing is found out', async (t) => {
  const file = 'unit/xapi/versions';
  t.match(faultOf({ file: 'unit/xapi/none', names: ['x'] }), /no test\/unit\/xapi\/none/);
  t.match(faultOf({ file, names: ['x'] }), /has no test "x"/);
  t.match(faultOf({ file, names: [] }), /has no test/);
  t.match(faultOf({ file, names: ['everything else is refused', 'no such case'] }), /has no case/);
  t.equal(faultOf({ file, names: ['everything else is refused'] }), undefined);
});
