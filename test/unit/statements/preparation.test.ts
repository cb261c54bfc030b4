import t from 'tap';
import { createPreparation, type PreparationOptions } from '../../../src/statements/preparation.js';
import type { PrepareOrder, Refusal } from '../../../src/statements/prepare.js';
import { readBatch, type PreparedBytes } from '../../../src/statements/prepared-batch.js';
import { createKeyHash } from '../../../src/xapi/key-hash.js';
import { statementKeys } from '../../../src/xapi/statement-keys.js';
import { toldBy, TOLD_BYTES } from '../../../src/xapi/told.js';

const keyHash = createKeyHash('a salt');
const authority = { account: { homePage: 'https://example.org', name: 'key' } };
const order: PrepareOrder = { version: '1.0.3', authority: JSON.stringify(authority), defines: true, parts: [] };
const uuid = (number: number): string => `ABCDEF00-0000-4000-8000-${String(number).padStart(12, '0')}`;

function statement(number: number): object {
  return {
    id: uuid(number), actor: { mbox: `mailto:learner${number % 7}@example.org`, name: `Lerner ${number} 😀` }, verb: { id: 'https://example.org/did', display: { de: 'tat ä' } },
    object: number % 10 === 3 ? { objectType: 'StatementRef', id: uuid(number - 1) } : { id: `https://example.org/${number}`, definition: { name: { en: `Thing ${number}` } } },
    ...(number % 2 ? { timestamp: '2026-01-02T03:04:05.678Z' } : {}),
  };
}

const bodyOf = (statements: unknown): Buffer => Buffer.from(JSON.stringify(statements));
/** So long that it waits until a thread has started. */
const long = Array.from({ length: 1000 }, (_, number) => statement(number));
const many = Array.from({ length: 200 }, (_, number) => statement(number));

function open(options: Partial<PreparationOptions> = {}) {
  const faults: Error[] = [];
  const preparation = createPreparation({ keyHash, threads: 1, maxDepth: 50, maxBatch: 1000, onFault: (error) => faults.push(error), ...options });
  t.teardown(() => preparation.close());
  return { preparation, faults };
}

/** The same with threads that have started. */
async function openStarted(options: Partial<PreparationOptions> = {}): Promise<ReturnType<typeof open>> {
  const opened = open(options);
  for (let started = 0; started < (options.threads ?? 1); started++) {
    // Each is busy with a body while the next one starts.
    await Promise.all(Array.from({ length: started + 1 }, async () => isOfThread(await opened.preparation.prepare(bodyOf(long), order, false))));
  }
  return opened;
}

/** Whether a thread has prepared it: what is prepared here has values with it. */
function isOfThread(prepared: PreparedBytes | Refusal): boolean {
  return 'bytes' in prepared && !('values' in prepared);
}

/** Everything that a store may ask of a batch. */
function told(prepared: PreparedBytes | Refusal): unknown[] {
  if ('refused' in prepared) throw prepared.refused;
  return readBatch(prepared).map((one) => ({
    id: one.id, uuid: one.uuid.toString('hex'), target: one.target, timed: one.timed, named: one.named, voids: one.voids, defines: one.defines, text: one.text.toString(),
    keys: one.keys(keyHash).toString('hex'), told: one.told.toString('hex'), value: one.value,
  }));
}

t.test('a thread makes of a body what is made here', async (t) => {
  const { preparation } = await openStarted();
  const here = open({ threads: 0 }).preparation;
  const [prepared, expected] = [await preparation.prepare(bodyOf(many), order, false), await here.prepare(bodyOf(many), order, false)];
  const withAll = told(expected) as { value: object; text: string }[];
  const fromThread = told(prepared) as { value: object; text: string }[];
  t.ok(isOfThread(prepared));
  t.equal(fromThread.length, many.length);
  for (const [index, one] of fromThread.entries()) {
    t.strictSame({ ...one, value: undefined }, { ...withAll[index], value: undefined });
    t.strictSame(one.value, JSON.parse(`${one.text}}`), 'the value is that of the text');
    t.match(one.value, withAll[index]!.value, 'what was sent is in it');
  }
});

t.test('an id that the LRS gives is in the value, wherever it is prepared', async (t) => {
  const { id: _id, ...without } = statement(1) as { id: string };
  for (const threads of [0, 1]) {
    const { preparation } = threads ? await openStarted() : open({ threads });
    const prepared = await preparation.prepare(bodyOf(Array(100).fill(without)), order, false);
    t.equal(isOfThread(prepared), threads === 1);
    const batch = readBatch(prepared as PreparedBytes);
    for (const one of batch) t.equal(one.value.id, one.id);
  }
});

t.test('of a statement the batch tells id, keys, target and what it tells of things', async (t) => {
  const { preparation } = open({ threads: 0 });
  const batch = readBatch(await preparation.prepare(bodyOf([statement(3), statement(4)]), order, false) as PreparedBytes);
  t.equal(batch[0]!.id, uuid(3).toLowerCase());
  t.equal(batch[0]!.target, uuid(2).toLowerCase());
  t.equal(batch[1]!.target, undefined);
  for (const one of batch) {
    const keys = one.keys(keyHash);
    const expected = statementKeys({ ...one.value, authority }).map((key) => keyHash.key(key).toString('hex')).sort();
    t.strictSame(Array.from({ length: keys.length / 9 }, (_, at) => keys.toString('hex', at * 9, at * 9 + 9)).sort(), expected);
    t.equal(one.told.length / TOLD_BYTES, toldBy(one.value).length);
    const other = createKeyHash('another salt');
    t.notSame(one.keys(other), keys);
    t.equal(one.keys(other).length, keys.length, 'for another store they are hashed anew');
    const framed = one.framed(keyHash, 5, Buffer.from('}'));
    t.equal(framed.toString('utf8', 5 + keys.length), `${one.text.toString()}}`);
    t.strictSame(one.framed(other, 100, Buffer.from('}')).subarray(100 + keys.length), framed.subarray(5 + keys.length), 'also where there is no room');
  }
});

t.test('what is wrong is told as it is here', async (t) => {
  const wrong = [...many.slice(0, 150), { ...statement(150), actor: { mbox: 'ann@example.org' } }];
  const answers = await Promise.all([(await openStarted()).preparation, open({ threads: 0 }).preparation].map((preparation) => preparation.prepare(bodyOf(wrong), order, false)));
  const [there, here] = answers as [Refusal, Refusal];
  t.match(there, { count: 151, refused: { code: 'invalid-statement', status: 400, details: { statement: 150, pointer: '/actor/mbox' } } });
  t.equal(there.refused.message, here.refused.message);
  t.strictSame(there.refused.details, here.refused.details);
  t.match(await (await openStarted()).preparation.prepare(Buffer.from(`[${'{},'.repeat(5000)}`), order, false), { count: 0, refused: { code: 'too-large' } });
});

t.test('many bodies at once, over several threads', async (t) => {
  const { preparation } = await openStarted({ threads: 3 });
  const bodies = Array.from({ length: 40 }, (_, number) => [...many.slice(0, 40 + number), statement(1000 + number)]);
  const prepared = await Promise.all(bodies.map((body) => preparation.prepare(bodyOf(body), order, false)));
  for (const [index, one] of prepared.entries()) {
    t.ok(isOfThread(one));
    t.strictSame((one as PreparedBytes).ids, bodies[index]!.map((body) => (body as { id: string }).id), 'each gets its own answer');
  }
});

t.test('many short bodies that arrive together go together, few are done here, each with its own answer', async (t) => {
  const { preparation } = await openStarted();
  const wrong = { ...statement(7), verb: {} };
  for (const count of [1, 8, 300]) {
    const prepared = await Promise.all(Array.from({ length: count }, (_, number) => preparation.prepare(bodyOf(number === 7 ? wrong : statement(number)), order, false)));
    for (const [number, one] of prepared.entries()) {
      if (number === 7) t.match(one, { count: 1, refused: { code: 'invalid-statement', details: { pointer: '/verb' } } });
      else t.equal((readBatch(one as PreparedBytes)[0]!.value as { id: string }).id, uuid(number));
      // What comes from a thread has no values with it.
      if (number !== 7) t.equal('values' in one, count < 300);
    }
  }
});

t.test('what is not very long is done here when it is quiet', async (t) => {
  const { preparation } = await openStarted();
  const short = bodyOf(many.slice(0, 40));
  t.ok(short.length > 9000 && short.length < 32_000);
  for (const [body, quiet, here] of [[short, true, true], [short, false, false], [bodyOf(many), true, false]] as const) {
    const prepared = await preparation.prepare(Buffer.from(body), order, quiet);
    t.equal('values' in prepared, here, `${body.length} bytes, ${quiet ? 'quiet' : 'others on their way'}`);
  }
});

t.test('until a thread has started, what is not very long is done here', async (t) => {
  const { preparation } = open();
  t.ok(bodyOf(many).length > 32 << 10 && bodyOf(many).length < 256 << 10 && bodyOf(long).length > 256 << 10);
  const [short, longest, after] = await Promise.all([many, long, many].map((body) => preparation.prepare(bodyOf(body), order, false)));
  t.strictSame([short, longest, after].map((one) => isOfThread(one!)), [false, true, false], 'a very long one waits for the thread, others need not');
  t.ok(isOfThread(await preparation.prepare(bodyOf(many), order, false)), 'then the thread does it');
});

t.test('when it closes, what the threads have is refused, and what comes after is done here', async (t) => {
  const { preparation, faults } = open();
  const under = [long, long, long].map(bodyOf).map((body) => preparation.prepare(body, order, false).then(() => 'prepared', (error: { code: string; status: number }) => error));
  const short = [statement(1), statement(2)].map((body) => preparation.prepare(bodyOf(body), order, false));
  await preparation.close();
  for (const outcome of await Promise.all(under)) t.match(outcome, { code: 'overloaded', status: 503, details: { retryAfter: 1 } });
  for (const one of await Promise.all(short)) t.equal(told(one).length, 1);
  t.equal(told(await preparation.prepare(bodyOf(many), order, false)).length, many.length);
  t.equal(faults.length, 0);
});

t.test('a thread that dies costs what it was given, and another takes its place', async (t) => {
  // Less memory than the body takes when it is parsed.
  const { preparation, faults } = open({ maxBatch: 1_000_000, resourceLimits: { maxOldGenerationSizeMb: 80 } });
  const large = Buffer.from(`[${Array(800_000).fill('{"a":[[],[],[],[]],"b":{}}').join()}]`);
  await t.rejects(preparation.prepare(large, order, false), { code: 'overloaded', status: 503, details: { retryAfter: 1 } });
  t.equal(faults.length, 1);
  t.ok(isOfThread(await preparation.prepare(bodyOf(long), order, false)), 'the next one is prepared');
});

t.test('a thread that dies while it starts is told of, and its work is done here', async (t) => {
  const { preparation, faults } = open({ resourceLimits: { maxOldGenerationSizeMb: 1 } });
  t.notOk(isOfThread(await preparation.prepare(bodyOf(many), order, false)));
  while (faults.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  t.match(faults[0], { message: String });
});
