import t, { type Test } from 'tap';
import { generateStatements, platform } from '../../../bench/generator.js';
import { createCanonicalFormat, idsOf, toIdsFormat } from '../../../src/xapi/statement-formats.js';
import { placesIn } from '../../../src/xapi/statement-places.js';
import type { Activity, ActivityDefinition, Actor, Context, Json, LanguageMap, Statement, StatementObject, SubStatement, Verb } from '../../../src/xapi/types.js';
import { createRandom } from '../../contract/random.js';
import { readFixtures } from '../../integration/fixtures.js';
import { canonicalByValue, idsByValue } from './formats-by-value.js';

const random = createRandom(6);
const { below, chance, pick } = random;

/** Texts that mean something to JSON, to JavaScript or to a statement. */
const odd = ['verb', 'actor', 'id', 'object', 'definition', 'member', '__proto__', 'constructor', '"', '\\', '\\"', '\\\\', '{', '}', '[1,2]', ',', ':', '"id":"x"', ' ', '\n\t', '\u0000', 'ü', '漢字', '😀', '\u2028', ''];
const text = (): string => Array.from({ length: below(4) }, () => pick(odd)).join('');
const json = (depth = 3): Json => {
  switch (below(depth > 0 ? 7 : 5)) {
    case 0: return null;
    case 1: return chance(0.5);
    case 2: return pick([0, -1.5, 1e21, 1e-7, 12345678901]);
    case 3: case 4: return text();
    case 5: return Array.from({ length: below(4) }, () => json(depth - 1));
    default: return object(Array.from({ length: below(4) }, () => [text(), json(depth - 1)]));
  }
};
/** An object whose members have any order and any key, `__proto__` among them. */
function object<T>(entries: [key: string, value: unknown][]): T {
  const shuffled = entries.filter(([, value]) => value !== undefined).map((entry) => [below(1000), entry] as const).sort(([one], [other]) => one - other);
  return Object.fromEntries(shuffled.map(([, entry]) => entry)) as T;
}
const maybe = <V>(make: () => V): V | undefined => (chance(0.5) ? make() : undefined);
const some = <V>(make: () => V): V[] => Array.from({ length: below(3) }, make);

const languages = ['en', 'en-US', 'de', 'de-AT', 'fr', 'x-verb'];
const languageMap = (): LanguageMap => object(some(() => [pick(languages), text()]));
const component = () => object([['id', text()], ['description', maybe(languageMap)]]);
const definition = (): ActivityDefinition => object([
  ['name', maybe(languageMap)], ['description', maybe(languageMap)], ['type', maybe(text)], ['extensions', maybe(() => object(some(() => [pick(['name', ...odd]), json()])))],
  ['correctResponsesPattern', maybe(() => some(text))], ...(['choices', 'scale', 'source', 'target', 'steps'].map((list): [string, unknown] => [list, maybe(() => some(component))])),
]);
const id = (): string => `https://example.org/${pick(['a', 'b', 'c"', 'd\\', 'ü'])}`;
const activity = (typed = chance(0.5)): Activity => object([['objectType', typed ? 'Activity' : undefined], ['id', id()], ['definition', maybe(definition)]]);
const verb = (): Verb => object([['id', id()], ['display', maybe(languageMap)]]);
const agent = (objectType: unknown = maybe(() => 'Agent')): Actor => object([
  ['objectType', objectType], ['name', maybe(text)], pick([['mbox', text()], ['mbox_sha1sum', text()], ['openid', text()], ['account', object([['homePage', text()], ['name', text()]])]]),
]);
const group = (): Actor => {
  const members = maybe(() => some(agent));
  return chance(0.5) ? object([['objectType', 'Group'], ['name', maybe(text)], ['member', members]]) : object([...Object.entries(agent('Group')), ['member', members]]);
};
const actor = (): Actor => (chance(0.7) ? agent() : group());
const context = (): Context => object([
  ['registration', maybe(text)], ['instructor', maybe(actor)], ['team', maybe(group)], ['platform', maybe(text)], ['extensions', maybe(() => object([['verb', json()], ['contextActivities', json()], [text(), json()]]))],
  ['contextAgents', maybe(() => some(() => object([['objectType', 'contextAgent'], ['agent', agent()], ['relevantTypes', maybe(() => some(text))]])))],
  ['contextGroups', maybe(() => some(() => object([['objectType', 'contextGroup'], ['group', group()]])))],
  ['contextActivities', maybe(() => object(['parent', 'grouping', 'category', 'other'].map((kind) => [kind, maybe(() => (chance(0.2) ? activity() : some(activity)))])))],
]);
const common = (): [string, unknown][] => [
  ['actor', actor()], ['verb', verb()], ['context', maybe(context)], ['timestamp', maybe(text)],
  ['result', maybe(() => object([['response', text()], ['extensions', object([['id', json()], ['__proto__', json()], [text(), json()]])]]))],
  ['attachments', maybe(() => some(() => object([['usageType', id()], ['display', languageMap()], ['sha2', text()]])))],
];
const plainObject = (): StatementObject => pick([activity, () => agent('Agent'), group, () => ({ objectType: 'StatementRef' as const, id: text() })])();
const subStatement = (): SubStatement => object([['objectType', 'SubStatement'], ['object', plainObject()], ...common()]);
const statement = (): Statement => object([
  ['id', text()], ['object', chance(0.3) ? subStatement() : plainObject()], ['authority', maybe(actor)], ['stored', text()], ['version', '1.0.0'], ...common(),
]);

/** The same value with white space between tokens and with characters of keys and strings escaped where they needn't be. */
function wayward(value: Json): string {
  const space = (): string => pick(['', '', ' ', '\n', '\r\n\t ']);
  const spaced = (inner: string): string => space() + inner + space();
  const string = (plain: string): string => JSON.stringify(plain).replace(/[a-z/](?<!\\.)/g, (c) => (chance(0.1) ? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}` : c));
  if (typeof value === 'string') return string(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.length === 0 ? space() : value.map((item) => spaced(wayward(item))).join(',')}]`;
  const members = Object.entries(value);
  return `{${members.length === 0 ? space() : members.map(([key, member]) => `${spaced(string(key))}:${spaced(wayward(member))}`).join(',')}}`;
}

async function samples(): Promise<Statement[]> {
  const fixtures = (await readFixtures()).flatMap(({ statements }) => statements as unknown as Statement[]);
  return [...fixtures, ...generateStatements(3, 500, platform), ...Array.from({ length: 3000 }, statement)];
}

const knownDefinition = definition();
const knownDisplay: LanguageMap = { en: 'did', de: 'tät' };
/** Half of the ids are known. */
const isKnown = (of: string): boolean => of.length % 2 === 0;
const knownValues = { definition: (of: string) => (isKnown(of) ? knownDefinition : undefined), display: (of: string) => (isKnown(of) ? knownDisplay : undefined) };
const knownTexts = { definition: (of: string) => (isKnown(of) ? JSON.stringify(knownDefinition) : undefined), display: (of: string) => (isKnown(of) ? JSON.stringify(knownDisplay) : undefined) };

/** Fails for the first text whose formats are not as expected. TAP takes nothing but printable ASCII. */
function judge(t: Test, values: readonly Statement[], write: (value: Statement) => string, formatsOf: (text: string) => string[], expectedOf: (value: Statement) => string[]): void {
  const wrong = values.map((value) => ({ text: write(value), value })).find(({ text, value }) => formatsOf(text).join('\n') !== expectedOf(value).join('\n'));
  const shown = (one: string): string => one.replace(/[^ -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
  if (!wrong) t.pass(`${values.length} texts`);
  else t.strictSame(formatsOf(wrong.text).map(shown), expectedOf(wrong.value).map(shown), shown(wrong.text));
}

const acceptLanguages = [undefined, 'de', 'fr, en;q=0.5'];
const formatsOf = (text: string): string[] => {
  const placed = placesIn(text);
  return [toIdsFormat(placed), ...acceptLanguages.map((language) => createCanonicalFormat(knownTexts, language)(placed))];
};
const expectedOf = (value: Statement): string[] => (
  [idsByValue(value), ...acceptLanguages.map((language) => canonicalByValue(value, knownValues, language))].map((formatted) => JSON.stringify(formatted))
);
const again = (text: string): string => JSON.stringify(JSON.parse(text));

t.test('the formats of a text that JSON.stringify wrote are what JSON.stringify writes of the formats of its value', async (t) => {
  judge(t, await samples(), (value) => JSON.stringify(value), formatsOf, expectedOf);
});

t.test('the formats of any other text have the same value', async (t) => {
  const write = (value: Statement): string => wayward(value as unknown as Json);
  judge(t, await samples(), write, (text) => [again(text)], (value) => [JSON.stringify(value)]);
  judge(t, await samples(), write, (text) => formatsOf(text).map(again), expectedOf);
});

t.test('the ids of any text are those of its value', async (t) => {
  const ids = (text: string): string[] => [JSON.stringify(idsOf([placesIn(text)]))];
  judge(t, await samples(), (value) => wayward(value as unknown as Json), ids, (value) => ids(JSON.stringify(value)));
});

t.test('what a format does not change stays as it was sent', async (t) => {
  const sent = '{"actor":{"name":"Ann","mbox":"mailto:ann@example.org"},"verb":{"id":"https://example.org/did"},"object":{"id":"https://example.org/a"},"result":{"score":{"raw":1.0},"extensions":{"https://example.org/n":12345678901234567890}}}';
  t.equal(toIdsFormat(placesIn(sent)), sent.replace('"name":"Ann",', ''));
  t.equal(createCanonicalFormat({ definition: () => undefined, display: () => undefined }, 'en')(placesIn(sent)), sent);
});

t.test('a text that is cut off, which no store holds, is read to its end and no further', async (t) => {
  const sent = JSON.stringify({ ...statement(), context: { contextActivities: { parent: [activity()] }, contextAgents: [{ agent: agent() }] }, actor: group() });
  for (let end = 1; end < sent.length; end++) placesIn(sent.slice(0, end).replaceAll('\\', '/'));
  t.pass();
});
