import { createHash } from 'node:crypto';
import t from 'tap';
import { createBodies } from '../../../bench/bodies.js';
import { isUuid } from '../../../src/xapi/uuids.js';
import type { Json } from '../../../src/xapi/types.js';
import { validateStatement } from '../../../src/xapi/validation.js';

interface Sent {
  id: string;
  attachments?: { sha2: string; length: number }[];
}

t.test('each statement has an id of its own, which can be told', async (t) => {
  const bodies = createBodies({ seed: 1, perRequest: 7, pool: 20 });
  const seen = new Set<string>();
  for (let request = 0; request < 50; request++) {
    const statements = JSON.parse(bodies.next().toString()) as Sent[];
    t.equal(statements.length, 7);
    t.equal(statements[0]!.id, bodies.firstId());
    for (const [index, { id }] of statements.entries()) {
      t.equal(id, bodies.id(request * 7 + index));
      seen.add(id);
    }
  }
  t.equal(bodies.given(), 350);
  t.equal(seen.size, 350);
});

t.test('a hundred thousand ids are UUIDs and none is there twice; another stream has others', async (t) => {
  const bodies = createBodies({ seed: 1, perRequest: 1, pool: 1 });
  const ids = Array.from({ length: 100_000 }, (_, number) => bodies.id(number));
  t.equal(new Set(ids).size, ids.length);
  t.ok(ids.every(isUuid));
  t.notOk(ids.includes(createBodies({ seed: 1, perRequest: 1, pool: 1 }).id(0)));
  t.ok(new Set(ids.slice(0, 2000).map((id) => id.slice(0, 2))).size > 200, 'spread over the range');
});

t.test('a body of one is the statement itself, and what was given before is left as it was', async (t) => {
  const bodies = createBodies({ seed: 2, perRequest: 1, pool: 1, salt: Buffer.alloc(16, 9) });
  const first = bodies.next();
  const { id, ...content } = JSON.parse(first.toString()) as Sent;
  const { id: next, ...same } = JSON.parse(bodies.next().toString()) as Sent;
  t.not(id, next);
  t.same(content, same);
  t.equal((JSON.parse(first.toString()) as Sent).id, id);
  t.equal(createBodies({ seed: 2, perRequest: 1, pool: 1, salt: Buffer.alloc(16, 9) }).next().toString(), first.toString(), 'the same seed and salt give the same');
});

t.test('a sample is spread over what was given, from a number on', async (t) => {
  const bodies = createBodies({ seed: 3, perRequest: 10, pool: 10 });
  t.same(bodies.sample(5), []);
  for (let request = 0; request < 10; request++) bodies.next();
  t.same(bodies.sample(2), [bodies.id(0), bodies.id(50)]);
  t.same(bodies.sample(2, 90), [bodies.id(90), bodies.id(95)]);
  t.equal(bodies.sample(1000).length, 100);
});

t.test('attachments: whole, new each time, named by their hash; statements are valid at both versions', async (t) => {
  const bodies = createBodies({ seed: 4, perRequest: 12, pool: 12, attachmentBytes: 500 });
  const boundary = /boundary=(.*)$/.exec(bodies.contentType)![1]!;
  const seen = new Set<string>();
  for (let request = 0; request < 3; request++) {
    const parts = bodies.next().toString('latin1').split(`--${boundary}`);
    t.equal(parts[0], '');
    t.equal(parts.at(-1), '--\r\n');
    const [json, ...attachments] = parts.slice(1, -1).map((part) => {
      const end = part.indexOf('\r\n\r\n');
      return { head: part.slice(2, end), content: Buffer.from(part.slice(end + 4, -2), 'latin1') };
    });
    const statements = JSON.parse(json!.content.toString()) as Sent[];
    for (const statement of statements) {
      t.equal(validateStatement(statement as unknown as Json, '1.0.3'), undefined);
      t.equal(validateStatement(statement as unknown as Json, '2.0.0'), undefined);
    }
    const declared = statements.flatMap((statement) => statement.attachments ?? []);
    t.equal(declared.length, 2);
    t.same(statements.map(({ id }) => id), Array.from({ length: 12 }, (_, index) => bodies.id(12 * request + index)));
    for (const [index, { head, content }] of attachments.entries()) {
      const sha2 = createHash('sha256').update(content).digest('hex');
      t.equal(content.length, 500);
      t.equal(declared[index]!.sha2, sha2);
      t.equal(declared[index]!.length, 500);
      t.match(head, `X-Experience-API-Hash: ${sha2}`);
      seen.add(sha2);
    }
  }
  t.equal(seen.size, 6);
});
