import t from 'tap';
import { createAttempts } from '../../../src/auth/attempts.js';
import { QuipuError } from '../../../src/xapi/errors.js';

function waitOf(work: () => void): number {
  try {
    work();
    return 0;
  } catch (error) {
    if (error instanceof QuipuError && error.code === 'too-many-requests') return error.details.retryAfter ?? NaN;
    throw error;
  }
}

t.test('the wait doubles with every wrong guess and is forgotten after a quiet while', async (t) => {
  let now = 0;
  const attempts = createAttempts({ free: 2, longest: 60_000, now: () => now });
  const waits: number[] = [];
  for (let guess = 0; guess < 10; guess++) {
    attempts.failed('192.0.2.1', 'key');
    const wait = waitOf(() => attempts.admit('192.0.2.1', 'key'));
    waits.push(wait);
    now += wait * 1000;
    t.equal(waitOf(() => attempts.admit('192.0.2.1', 'key')), 0, 'after the wait it may try again');
  }
  t.same(waits, [0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
  now += 60_000;
  attempts.failed('192.0.2.1', 'key');
  t.equal(waitOf(() => attempts.admit('192.0.2.1', 'key')), 0);
});

t.test('one address does not hold up another, but many that guess at one key hold up each other', async (t) => {
  const attempts = createAttempts({ free: 3, now: () => 0 });
  for (let host = 1; host <= 10; host++) {
    t.equal(waitOf(() => attempts.admit(`192.0.2.${host}`, 'key')), 0, 'the first guess of an address is always looked at');
    attempts.failed(`192.0.2.${host}`, 'key');
  }
  t.ok(waitOf(() => attempts.admit('192.0.2.1', 'key')) > 60);
  t.equal(waitOf(() => attempts.admit('192.0.2.1', 'other key')), 0);
  t.equal(waitOf(() => attempts.admit('198.51.100.1', 'key')), 0);
});

t.test('a subscriber with a whole IPv6 network is one address', async (t) => {
  const attempts = createAttempts({ free: 1, now: () => 0 });
  attempts.failed('2001:db8:0:1:aaaa::1', 'key');
  t.ok(waitOf(() => attempts.admit('2001:db8::1:bbbb:2:3:4', 'x')) > 0);
  t.equal(waitOf(() => attempts.admit('2001:db8:0:2::1', 'x')), 0);
  attempts.failed('::ffff:192.0.2.1', 'key');
  t.ok(waitOf(() => attempts.admit('192.0.2.1', 'x')) > 0);
  t.equal(waitOf(() => attempts.admit('::ffff:192.0.2.2', 'x')), 0);
});

t.test('memory is bounded: those that guessed last are kept', async (t) => {
  const attempts = createAttempts({ free: 1, limit: 100, now: () => 0 });
  for (let index = 0; index < 1000; index++) attempts.failed(`10.0.${index >> 8}.${index & 255}`, `key ${index}`);
  t.equal(waitOf(() => attempts.admit('10.0.0.0', 'x')), 0);
  t.ok(waitOf(() => attempts.admit('10.0.3.231', 'x')) > 0);
});
