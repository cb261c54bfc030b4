import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient } from '../client.js';
import { cloneStore } from '../filled-store.js';
import { activityId, createRandom, learnerAgent, platform } from '../generator.js';
import { load, type LoadRequest } from '../load.js';
import { startQuipu } from '../quipu.js';
import type { Bench, Contender, Figure, Goal, Scenario, Target } from '../scenario.js';

const CONNECTIONS = 16;
const DOCUMENTS = 100_000;
const QUICK_DOCUMENTS = 2000;
/** Documents that a peer is filled with; it is asked for these alone, which is to its advantage. */
const PEER_DOCUMENTS = 5000;
const DOCUMENTS_A_LEARNER = 5;
const READ_BACK = 20;
const json = { 'Content-Type': 'application/json' };

export const documents: Scenario = {
  name: 'documents',
  about: 'State documents of a learner population: new ones, changed ones, reading, merging, listing.',
  goals: goals(),
  run: async (bench) => {
    const count = bench.quick ? QUICK_DOCUMENTS : DOCUMENTS;
    const filled = join(bench.folder, `documents-${count}`);
    const filling = await startQuipu({ folder: filled });
    await fill(bench, filling.target, count, `${filled}.json`).finally(() => filling.stop());
    const folder = join(bench.folder, 'documents');
    await cloneStore({ folder: filled }, folder);
    const quipu = await startQuipu({ folder });
    try {
      const peers: Target[] = [];
      await bench.emptyPeers();
      for (const peer of bench.peers) if (await fillPeer(bench, peer, Math.min(count, PEER_DOCUMENTS))) peers.push(peer);
      const peerCount = Math.min(count, PEER_DOCUMENTS);
      const contenders = (make: (target: Target, among: number) => Contender, of = peers): Contender[] => [make(quipu.target, count), ...of.map((peer) => make(peer, peerCount))];
      const note = `${count} documents`;
      await bench.compare('documents/get', 'requests/s', contenders(getting), note);
      await bench.compare('documents/put-new', 'requests/s', contenders((target) => puttingNew(target)), note);
      await bench.compare('documents/post', 'requests/s', contenders(merging), note);
      if (bench.quick) return;
      // From 2.0.0 on a document is replaced on condition of its ETag alone.
      await bench.compare('documents/put-again', 'requests/s', contenders(puttingAgain, peers.filter(({ version }) => version.startsWith('1.'))), note);
      await bench.compare('documents/list', 'requests/s', contenders(listing), note);
    } finally {
      await quipu.stop();
      await rm(folder, { recursive: true, force: true });
    }
  },
};

/** Path of a document; several are of the same learner and activity. */
function documentPath(number: number, stateId = `bookmark-${number % DOCUMENTS_A_LEARNER}`): string {
  return `${scopePath(number)}&stateId=${stateId}`;
}

function scopePath(number: number): string {
  const learner = Math.floor(number / DOCUMENTS_A_LEARNER) % platform.learners;
  const agent = JSON.stringify({ account: learnerAgent(learner).account });
  return `/activities/state?${new URLSearchParams({ activityId: activityId(learner % platform.courses, learner % platform.activitiesPerCourse), agent })}`;
}

/** What a player keeps: about a kilobyte. */
function documentBody(number: number): Buffer {
  const answers = Array.from({ length: 12 }, (_, at) => ({ question: `question-${at}`, answer: `choice_${(number + at) % 4}`, seconds: (number * 7 + at) % 90 }));
  return Buffer.from(JSON.stringify({ document: number, location: `page-${number % 40}`, progress: (number % 100) / 100, answers, volume: 0.8, captions: true }));
}

/** Numbers below a count: a learner who is busy comes often. */
function busyNumbers(count: number): () => number {
  const random = createRandom(count);
  return () => Math.min(count - 1, Math.floor(Math.exp(random() * Math.log(count + 1))) - 1);
}

/** Puts the documents, unless an earlier run has; one that was interrupted begins again. */
async function fill(bench: Bench, target: Target, count: number, file: string, connections = CONNECTIONS): Promise<void> {
  if (existsSync(file) && JSON.parse(await readFile(file, 'utf8')) === count && await has(target, count - 1)) return;
  bench.say(`documents: ${target.name} gets ${count}`);
  let number = 0;
  // Unconditional where a document may be there from before; 2.0.0 allows that for a new one alone.
  const sender = async (): Promise<void> => {
    const client = createClient(target);
    while (number < count) {
      const own = number++;
      const { status, body } = await client.send({ method: 'PUT', path: documentPath(own), headers: json, body: documentBody(own) });
      const there = status === 409 || status === 412;
      if (status !== 204 && !there) throw new Error(`${target.name} answered ${status} to a document: ${body.toString().slice(0, 300)}`);
      if (own > 0 && own % 20_000 === 0) bench.say(`documents: ${own} of ${count}`);
    }
    client.close();
  };
  await Promise.all(Array.from({ length: connections }, sender));
  await writeFile(file, JSON.stringify(count));
}

async function fillPeer(bench: Bench, peer: Target, count: number): Promise<boolean> {
  const file = join(bench.folder, `peer-${peer.name.replace(/\W+/g, '-')}-documents.json`);
  try {
    // One that can't take documents of one person side by side is given them one by one.
    await fill(bench, peer, count, file).catch(() => fill(bench, peer, count, file, 1));
    return await has(peer, count - 1);
  } catch (error) {
    bench.say((error as Error).message);
    return false;
  }
}

async function has(target: Target, number: number): Promise<boolean> {
  const client = createClient(target);
  const { status } = await client.send({ method: 'GET', path: documentPath(number) });
  client.close();
  return status === 200;
}

function getting(target: Target, count: number): Contender {
  const next = busyNumbers(count);
  const request = (): LoadRequest => ({ method: 'GET', path: documentPath(next()) });
  const expect = (status: number, body: string): boolean => status === 200 && body.startsWith('{"document":');
  return { name: target.name, round: (seconds) => load({ target, connections: CONNECTIONS, seconds, request, expect }) };
}

/** Documents that nobody has put before; some are read back. */
function puttingNew(target: Target): Contender {
  const run = randomUUID();
  let number = 0;
  const request = (): LoadRequest => {
    number++;
    return { method: 'PUT', path: documentPath(number, `${run}-${number}`), headers: { ...json, 'If-None-Match': '*' }, body: documentBody(number) };
  };
  return {
    name: target.name,
    round: async (seconds) => {
      const before = number;
      const sample = await load({ target, connections: CONNECTIONS, seconds, request, expect: 204 });
      const step = Math.max(1, Math.floor((number - before) / READ_BACK));
      const paths: [string, Buffer][] = [];
      for (let at = before + 1; at <= number; at += step) paths.push([documentPath(at, `${run}-${at}`), documentBody(at)]);
      return { ...sample, wrong: sample.wrong + await differing(target, paths) };
    },
  };
}

function puttingAgain(target: Target, count: number): Contender {
  const next = busyNumbers(count);
  const request = (): LoadRequest => {
    const number = next();
    return { method: 'PUT', path: documentPath(number), headers: json, body: documentBody(number) };
  };
  return { name: target.name, round: (seconds) => load({ target, connections: CONNECTIONS, seconds, request, expect: 204 }) };
}

/** Merges of one member into documents that are there. */
function merging(target: Target, count: number): Contender {
  const next = busyNumbers(count);
  let turn = 0;
  const request = (): LoadRequest => ({ method: 'POST', path: documentPath(next()), headers: json, body: Buffer.from(`{"location":"page-${turn++}"}`) });
  return { name: target.name, round: (seconds) => load({ target, connections: CONNECTIONS, seconds, request, expect: 204 }) };
}

/** The ids of what a learner has in an activity. */
function listing(target: Target, count: number): Contender {
  const next = busyNumbers(count);
  const request = (): LoadRequest => ({ method: 'GET', path: scopePath(next()) });
  const expect = (status: number, body: string): boolean => status === 200 && body.includes('"bookmark-0"');
  return { name: target.name, round: (seconds) => load({ target, connections: CONNECTIONS, seconds, request, expect }) };
}

/** How many documents are not what was put. */
async function differing(target: Target, put: readonly [string, Buffer][]): Promise<number> {
  const client = createClient(target);
  let wrong = 0;
  for (const [path, content] of put) {
    const { status, body } = await client.send({ method: 'GET', path });
    if (status !== 200 || !sameJson(body, content)) wrong++;
  }
  client.close();
  return wrong;
}

function sameJson(one: Buffer, other: Buffer): boolean {
  return one.equals(other) || JSON.stringify(JSON.parse(one.toString())) === JSON.stringify(JSON.parse(other.toString()));
}

function goals(): Goal[] {
  const ofPeers = (figures: readonly Figure[]): Figure[] => figures.filter(({ scenario, name }) => scenario.startsWith('documents/') && name !== 'Quipu');
  return [{
    scenario: 'documents', text: 'State at least 2 times the best peer',
    reached: (figures) => (ofPeers(figures).length === 0 ? undefined : ofPeers(figures).every(({ ratio = 0 }) => ratio >= 2)),
  }];
}
