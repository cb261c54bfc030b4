import { frame } from '../../src/statements/prepared-batch.js';
import type { NewStatement, StatementPage, StatementQuery, StatementStore, StoredStatement } from '../../src/statements/store.js';
import type { KeyHash } from '../../src/xapi/key-hash.js';
import type { KeyRun } from '../../src/xapi/key-run.js';
import { keyValues } from '../../src/xapi/statement-keys.js';
import { toldHashes } from '../../src/xapi/told.js';
import type { Activity, ActivityDefinition, Actor, Attachment, Statement, StatementRef, Verb } from '../../src/xapi/types.js';
import { uuidBytes } from '../../src/xapi/uuids.js';

/** The verb of voiding statements (xAPI 1.0.3 Part Two 2.3.2). */
export const voided = 'http://adlnet.gov/expapi/verbs/voided';

/** The UUID with this number. */
export const uuid = (number: number): string => `7b9f8c1e-abcd-4000-8000-${number.toString(16).padStart(12, '0')}`;
export const agent = (name: string): Actor => ({ objectType: 'Agent', mbox: `mailto:${name}@example.org` });
export const agentKey = (kind: 'A' | 'R' | 'U', name: string): string => `${kind}mbox:mailto:${name}@example.org`;
export const verb = (name: string): Verb => ({ id: `https://example.org/verbs/${name}` });
export const verbKey = (name: string): string => `Vhttps://example.org/verbs/${name}`;
export const activity = (name: string): Activity => ({ id: `https://example.org/activities/${name}` });
export const activityKey = (name: string): string => `Thttps://example.org/activities/${name}`;
export const reference = (id: string): StatementRef => ({ objectType: 'StatementRef', id });
export const attachment = (sha2: string): Attachment => ({ usageType: 'https://example.org/use', display: { en: 'x' }, contentType: 'text/plain', length: 1, sha2 });

/** A statement as a client sends it: ann did thing, but for the parts given. */
export function statement(number: number, parts: Partial<Statement> = {}): Statement {
  return { id: uuid(number), actor: agent('ann'), verb: verb('did'), object: activity('thing'), ...parts };
}

/** What the LRS makes of a statement before it stores it. */
export function incoming(value: Statement, { authority = agent('authority'), defines = false }: { authority?: Actor; defines?: boolean } = {}): NewStatement {
  const complete: Statement = { ...value, authority, version: '2.0.0' };
  const target = value.object.objectType === 'StatementRef' ? (value.object as StatementRef).id.toLowerCase() : undefined;
  const keys = (hash: KeyHash): KeyRun => hash.run(keyValues(complete));
  return {
    id: value.id!.toLowerCase(),
    uuid: uuidBytes(value.id!),
    value,
    text: openText(JSON.stringify(complete)),
    timed: value.timestamp !== undefined,
    named: true,
    keys,
    framed(hash, before, close) {
      return frame(before, keys(hash), this.text, close);
    },
    told: defines ? toldHashes(value) : Buffer.alloc(0),
    ...(target !== undefined && { target }),
    voids: target !== undefined && value.verb.id === voided,
    defines,
  };
}

/** The text of a statement as the store is given it: without its closing brace. */
export const openText = (text: string): Buffer => Buffer.from(text.slice(0, text.lastIndexOf('}')));

/** `statement` and `incoming` in one. */
export const sample = (number: number, parts: Partial<Statement> = {}): NewStatement => incoming(statement(number, parts));
/** A statement whose object is a reference to another one. */
export const referring = (number: number, target: number, parts: Partial<Statement> = {}): NewStatement => sample(number, { object: reference(uuid(target)), ...parts });
/** A statement that voids another one. */
export const voiding = (number: number, target: number): NewStatement => referring(number, target, { verb: { id: voided } });

/** The number in the id of a sample. */
export const numberOf = ({ id }: { id: string }): number => parseInt(id.slice(-12), 16);
export const numbersOf = (statements: readonly { id: string }[]): number[] => statements.map(numberOf);

/** Every statement that a query finds, page after page. */
export async function findAll(store: StatementStore, tenant: string, query: Partial<StatementQuery> = {}): Promise<StoredStatement[]> {
  const found: StoredStatement[] = [];
  let page: StatementPage;
  let cursor = query.cursor;
  do {
    page = await store.find(tenant, { filters: [], ascending: true, limit: 7, ...query, ...(cursor && { cursor }) });
    found.push(...page.statements);
    cursor = page.next;
  } while (cursor);
  return found;
}

/** The numbers of all statements that filters find, oldest first. */
export async function found(store: StatementStore, tenant: string, ...filters: string[][]): Promise<number[]> {
  return numbersOf(await findAll(store, tenant, { filters }));
}

/** Waits until the clock shows another millisecond, so that the next statement gets a later `stored`. */
export async function nextMillisecond(): Promise<void> {
  const now = Date.now();
  while (Date.now() <= now + 1) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** What a canonical store gave, as values. */
export const parsed = (texts: readonly (string | undefined)[]): (ActivityDefinition | undefined)[] => texts.map((text) => text === undefined ? undefined : JSON.parse(text) as ActivityDefinition);
