import { Ajv } from 'ajv';
import t from 'tap';
import { scopes } from '../../../src/auth/credential.js';
import { loadConfig, settings } from '../../../src/config.js';
import { listProjectFiles, readProjectFile } from './project-files.js';

const document = readProjectFile('docs/configuration.md');
const rows = new Map([...document.matchAll(/^\| `(QUIPU_\w+)` \| ([^|]*) \| ([^|]*) \|$/gm)].map(([, name, value, meaning]) => [name!, { value: value!, meaning: meaning! }]));

/** What the commands read for themselves. */
const ofCommands = new Set(['QUIPU_CLI_KEY', 'QUIPU_CLI_SECRET', 'QUIPU_SOURCE_KEY', 'QUIPU_SOURCE_SECRET']);

t.test('every setting is in a table, and every row is of a setting', async (t) => {
  t.strictSame([...rows.keys()].sort(), Object.keys(settings).sort());
});

t.test('every name in the documents is a setting', async (t) => {
  const documents = ['README.md', 'ARCHITECTURE.md', ...listProjectFiles('docs', '.md')];
  for (const path of documents) {
    for (const [name] of readProjectFile(path).matchAll(/\bQUIPU_[A-Z_]+\b/g)) {
      t.ok(name in settings || ofCommands.has(name), `${path}: ${name}`);
    }
  }
});

t.test('the defaults are the schema\'s', async (t) => {
  for (const [name, setting] of Object.entries(settings)) {
    const { value } = rows.get(name) ?? { value: '' };
    if ('default' in setting) t.equal(/^`([^`]*)`/.exec(value)?.[1], String(setting.default), name);
    else t.notMatch(value, /`/, `${name} has none`);
  }
});

t.test('every choice of a setting is named', async (t) => {
  for (const [name, setting] of Object.entries(settings)) {
    const { meaning } = rows.get(name) ?? { meaning: '' };
    for (const choice of 'enum' in setting ? setting.enum : []) t.match(meaning, `\`${choice}\``, `${name}: ${choice}`);
  }
});

t.test('the settings are a schema', async (t) => {
  t.ok(new Ajv({ strict: true }).validateSchema({ type: 'object', properties: settings }));
});

t.test('a start without settings works', async (t) => {
  t.equal(loadConfig({}).port, settings.QUIPU_PORT.default);
});

t.test('every scope is in the table of scopes, and nothing else', async (t) => {
  const section = document.slice(document.indexOf('\n## Scopes'), document.indexOf('\n## Command line'));
  t.strictSame([...section.matchAll(/^\| `([^`]+)` \|/gm)].map(([, scope]) => scope).sort(), [...scopes].sort());
});
