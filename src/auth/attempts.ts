import { isIPv6 } from 'node:net';
import { QuipuError } from '../xapi/errors.js';

/** Counts wrong guesses of secrets and makes whoever guesses wait. */
export interface Attempts {
  /** @throws QuipuError `too-many-requests` with the seconds to wait, while this address has to wait */
  admit(address: string, key: string): void;
  /** Notes a wrong guess. */
  failed(address: string, key: string): void;
}

interface Failures {
  count: number;
  /** Milliseconds since the epoch. */
  blockedUntil: number;
  /** When the count begins anew: well after the wait, or whoever sits it out would get all free guesses again. */
  forgotten: number;
}

/**
 * After `free` wrong guesses every further one doubles the wait of its address, from one second to `longest`; so do guesses
 * at one key from many addresses, for addresses that have guessed wrong themselves. An address without a wrong guess of
 * its own is always admitted: nobody can lock another one out. Counts are forgotten `longest` after the last wait.
 * Memory is bounded: of more than `limit` addresses or keys those that guessed last are kept.
 */
export function createAttempts(options: { free?: number; longest?: number; limit?: number; now?: () => number } = {}): Attempts {
  const { free = 10, longest = 15 * 60_000, limit = 10_000, now = Date.now } = options;
  const addresses = new Map<string, Failures>();
  const keys = new Map<string, Failures>();

  function current(map: Map<string, Failures>, name: string): Failures | undefined {
    const failures = map.get(name);
    if (!failures || now() < failures.forgotten) return failures;
    map.delete(name);
    return undefined;
  }

  function count(map: Map<string, Failures>, name: string): void {
    const before = current(map, name);
    const failures: Failures = { count: (before?.count ?? 0) + 1, blockedUntil: now(), forgotten: 0 };
    if (failures.count >= free) failures.blockedUntil += Math.min(longest, 1000 * 2 ** Math.min(failures.count - free, 30));
    failures.forgotten = failures.blockedUntil + longest;
    map.delete(name);
    map.set(name, failures);
    if (map.size > limit) for (const oldest of map.keys()) {
      map.delete(oldest);
      break;
    }
  }

  return {
    admit(address, key) {
      const own = current(addresses, network(address));
      if (!own) return;
      const until = Math.max(own.blockedUntil, current(keys, key)?.blockedUntil ?? 0);
      if (until <= now()) return;
      const retryAfter = Math.ceil((until - now()) / 1000);
      throw new QuipuError('too-many-requests', `Too many wrong secrets came from this address; try again in ${retryAfter} s.`, { retryAfter });
    },
    failed(address, key) {
      count(addresses, network(address));
      count(keys, key);
    },
  };
}

/** The party behind an address: one IPv4 address, or the /64 network that one IPv6 subscriber has to itself. */
function network(address: string): string {
  const plain = address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
  if (!isIPv6(plain)) return plain;
  const [head = '', tail] = (plain.split('%')[0] ?? '').split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const rest = tail === '' ? [] : tail.split(':');
    while (groups.length + rest.length < 8) groups.push('0');
    groups.push(...rest);
  }
  return groups.slice(0, 4).map((group) => parseInt(group, 16).toString(16)).join(':');
}
