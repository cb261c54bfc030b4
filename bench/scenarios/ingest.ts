import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createBodies, type Bodies } from '../bodies.js';
import { startFastifyFloor, startLevelFloor } from '../floors/start.js';
import { atLeast, atLeastOf, storesNothing, timesBestPeer } from '../goals.js';
import { load, type LoadRequest } from '../load.js';
import { peersThatTake, readStatement } from '../peer.js';
import { startQuipu } from '../quipu.js';
import type { Bench, Contender, Scenario, Target } from '../scenario.js';

/** One kind of writing. */
interface Case {
  method: 'POST' | 'PUT';
  /** Statements in a request. */
  perRequest: number;
  connections: number;
  attachments: boolean;
}

const SEED = 6;
const ATTACHMENT_BYTES = 10 << 10;
/** Statements read back after each round. */
const READ_BACK = 20;
/** Statements that the store puts into one commit at most, about: it writes a longer queue in several. */
const MOST_PER_COMMIT = 5000;
const floors = ['bare Fastify', 'bare LevelDB'];

const allCases: readonly Case[] = [1, 16, 64].flatMap((connections) => [
  ...[false, true].flatMap((attachments) => [1, 10, 100, 1000].map((perRequest): Case => ({ method: 'POST', perRequest, connections, attachments }))),
  { method: 'PUT', perRequest: 1, connections, attachments: false },
]);

const quickCases: readonly Case[] = [
  { method: 'POST', perRequest: 100, connections: 16, attachments: false }, { method: 'POST', perRequest: 1, connections: 64, attachments: false },
  { method: 'POST', perRequest: 10, connections: 16, attachments: true }, { method: 'PUT', perRequest: 1, connections: 16, attachments: false },
];

function nameOf({ method, perRequest, connections, attachments }: Case): string {
  return `ingest/${method.toLowerCase()}-${perRequest}${attachments ? '-attachments' : ''}/${connections}-connections`;
}

/** Writing of statements, durable when it is answered. */
export const ingest: Scenario = {
  name: 'ingest',
  about: 'Statements written by POST and PUT, on disk when they are answered, beside a Fastify route that only parses the same bodies, a loop that only writes the same bytes and keys to LevelDB, and peers.',
  goals: [
    atLeast('ingest/post-100/16-connections', 20_000, 'statements/s'),
    atLeastOf('ingest/post-100/16-connections', 0.45, 'bare LevelDB'),
    atLeastOf('ingest/post-1/64-connections', 0.45, 'bare Fastify'),
    timesBestPeer('ingest', 15, 'that store', floors),
    timesBestPeer('ingest', 2, 'with no store', floors),
  ],
  run: async (bench) => {
    for (const one of bench.quick ? quickCases : allCases) await measureCase(bench, one);
  },
};

/** All begin each case with empty stores (peers where the command line says how), so that none pays for what another case has written. */
async function measureCase(bench: Bench, one: Case): Promise<void> {
  const { perRequest, connections, attachments } = one;
  const perCommit = Math.min(MOST_PER_COMMIT, perRequest * connections);
  const folder = join(bench.folder, 'ingest');
  await rm(folder, { recursive: true, force: true });
  const bodies = createBodies({
    seed: SEED, perRequest, attachmentBytes: attachments ? ATTACHMENT_BYTES : undefined, pool: attachments || bench.quick ? 1000 : 10_000,
  });
  const quipu = await startQuipu({ folder: join(folder, 'quipu') });
  const fastify = await startFastifyFloor();
  const level = await startLevelFloor(join(folder, 'level'));
  try {
    await bench.emptyPeers();
    const peers = await peersThatTake(bench, nameOf(one), () => nextRequest(one, bodies));
    await bench.compare(nameOf(one), 'statements/s', [
      writer(quipu.target, one, bodies, true),
      writer(fastify.target, one, bodies, false),
      {
        name: 'bare LevelDB',
        round: (seconds) => level.write({
          seconds, seed: SEED, perCommit,
          ...(attachments ? { attachmentBytes: ATTACHMENT_BYTES, attachments: Math.ceil((Math.ceil(perRequest / 10) / perRequest) * perCommit) } : {}),
        }),
      },
      ...peers.map((peer) => writer(peer, one, bodies, !storesNothing(peer.name))),
    ]);
  } finally {
    await Promise.all([quipu.stop(), fastify.stop(), level.stop()]);
    await rm(folder, { recursive: true, force: true });
  }
}

function nextRequest({ method }: Case, bodies: Bodies): LoadRequest {
  const body = bodies.next();
  return { method, headers: { 'Content-Type': bodies.contentType }, body, path: method === 'PUT' ? `/statements?statementId=${bodies.firstId()}` : '/statements' };
}

/** Whoever takes statements over HTTP. All are given bodies of one stream, so that each gets the same kind and none the same id. */
function writer(target: Target, one: Case, bodies: Bodies, stores: boolean): Contender {
  const { method, perRequest, connections } = one;
  return {
    name: target.name,
    round: async (seconds) => {
      const from = bodies.given();
      const sample = await load({
        target, connections, seconds, request: () => nextRequest(one, bodies), statementsPerRequest: perRequest,
        expect: method === 'PUT' ? 204 : (status, body) => status === 200 && hasIds(body, perRequest),
      });
      if (!stores) return sample;
      return { ...sample, wrong: sample.wrong + await countMissing(target, bodies.sample(READ_BACK, from)) };
    },
  };
}

/** Length of an array of that many ids as JSON without spaces, which needs no further look. */
function hasIds(body: string, count: number): boolean {
  if (body.length === 39 * count + 1) return true;
  try {
    const ids = JSON.parse(body) as unknown;
    return Array.isArray(ids) && ids.length === count;
  } catch {
    return false;
  }
}

async function countMissing(target: Target, ids: readonly string[]): Promise<number> {
  let missing = 0;
  for (const id of ids) if (!(await readStatement(target, id))) missing++;
  return missing;
}
