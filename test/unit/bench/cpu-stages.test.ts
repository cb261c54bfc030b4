import { existsSync } from 'node:fs';
import t from 'tap';
import { stageRules, timeByStage, type CpuProfile } from '../../../bench/cpu-stages.js';

const frame = (functionName: string, url = '') => ({ functionName, url });
const root = 'file:///srv/quipu/dist/';

/** A profile of one chain of calls after another, each met once, for as many microseconds as given. */
function profileOf(...chains: [microseconds: number, ...stack: { functionName: string; url: string }[]][]): CpuProfile {
  const nodes: { id: number; callFrame: { functionName: string; url: string }; children: number[] }[] = [{ id: 1, callFrame: frame('(root)'), children: [] }];
  const samples: number[] = [];
  for (const [, ...stack] of chains) {
    let parent = nodes[0]!;
    for (const callFrame of stack) {
      const node = { id: nodes.length + 1, callFrame, children: [] };
      parent.children.push(node.id);
      nodes.push(node);
      parent = node;
    }
    samples.push(parent.id);
  }
  return { nodes, samples, timeDeltas: chains.map(([microseconds]) => microseconds) };
}

const handler = frame('handler', `${root}../node_modules/fastify/lib/handle-request.js`);
const write = frame('write', `${root}src/statements/service.js`);

t.test('time belongs to the innermost function that a rule names', async (t) => {
  const times = timeByStage(profileOf(
    [10, handler],
    [20, handler, write, frame('judge', `${root}src/statements/prepare.js`), frame('isIri', `${root}src/xapi/iris.js`)],
    [3, handler, write],
    [30, handler, write, frame('normalise', `${root}src/statements/normalise.js`), frame('statementKeys', `${root}src/xapi/statement-keys.js`)],
    [40, frame('run', `${root}src/storage/leveldb/commit-queue.js`), frame('equivalentStatements', `${root}src/xapi/comparison.js`)],
    [5, frame('run', `${root}src/storage/leveldb/commit-queue.js`), frame('batchPut', 'file:///srv/quipu/node_modules/classic-level/binding.js')],
  ));
  t.strictSame(Object.fromEntries(times), { receive: 13, validate: 20, normalise: 30, store: 45 });
});

t.test('code that was made at runtime belongs to its caller', async (t) => {
  const times = timeByStage(profileOf([7, write, frame('validate', `${root}src/xapi/validation.js`), frame('validate31')]));
  t.strictSame(Object.fromEntries(times), { validate: 7 });
});

t.test('sockets belong to the answer where it writes, and otherwise to receiving', async (t) => {
  const socket = frame('writeGeneric', 'node:internal/stream_base_commons');
  const times = timeByStage(profileOf(
    [4, frame('send', `${root}../node_modules/fastify/lib/reply.js`), frame('end', 'node:_http_outgoing'), frame('_write', 'node:net'), socket],
    [6, frame('onStreamRead', 'node:internal/stream_base_commons')],
  ));
  t.strictSame(Object.fromEntries(times), { answer: 4, receive: 6 });
});

t.test('what is no function of the program', async (t) => {
  const times = timeByStage(profileOf([1000, frame('(idle)')], [400, frame('toggle', `${root}bench/profiler.js`), frame('post', 'node:inspector'), frame('dispatch')], [50, frame('(program)')], [8, frame('(garbage collector)')], [2, frame('listOnTimeout', 'node:internal/timers')], [3, frame('toString')], [4, frame('constructor')]));
  t.strictSame(Object.fromEntries(times), { native: 50, 'garbage collection': 8, other: 9 });
});

t.test('a file is meant by its whole name', async (t) => {
  const times = timeByStage(profileOf([1, frame('x', `${root}src/other/not-src/statements/unnormalise.js`)], [1, frame('y', `${root}lib/storage/a.js`)]));
  t.strictSame(Object.fromEntries(times), { other: 2 });
});

t.test('the rules name files that are there', async (t) => {
  for (const file of stageRules.flatMap(({ files }) => files).filter((one) => one.startsWith('src/'))) {
    t.ok(existsSync(file.replace(/\.js$/, '.ts')), file);
  }
});
