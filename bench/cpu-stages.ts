/** A profile as V8 writes it (`.cpuprofile`); times in microseconds. */
export interface CpuProfile {
  nodes: readonly { id: number; callFrame: { functionName: string; url: string }; children?: readonly number[] }[];
  /** Ids of the nodes that were met. */
  samples: readonly number[];
  /** Time before each sample. */
  timeDeltas: readonly number[];
}

/**
 * What a thread does: `receive` is HTTP, routing and the credential before the body is looked at, `answer` the making and sending of
 * the answer, `native` what runs outside of JavaScript, such as system calls of sockets.
 */
export type Stage = 'receive' | 'parse' | 'validate' | 'normalise' | 'store' | 'answer' | 'garbage collection' | 'native' | 'other';

interface StageRule {
  stage: Stage;
  /** Ends of paths of files, or parts of them that end with a slash. */
  files: readonly string[];
  /** These functions of the files alone; all when not given. */
  functions?: readonly string[];
}

/**
 * Which stage code belongs to; the first rule that fits decides. A file that serves several stages is in none, so that time in
 * it belongs to the stage that called it.
 */
export const stageRules: readonly StageRule[] = [
  { stage: 'parse', files: ['src/xapi/json-text.js', 'src/xapi/json-scan.js', 'src/xapi/json-fault.js', 'src/statements/multipart-request.js', 'src/statements/whole-multipart.js'] },
  { stage: 'validate', files: ['src/xapi/validation.js', 'src/xapi/statement-schema.js', 'src/xapi/statement-rules.js', 'src/statements/attachments.js', 'src/statements/signature.js'] },
  { stage: 'validate', files: ['src/statements/prepare.js'], functions: ['judge', 'refuseRepeatedIds'] },
  { stage: 'normalise', files: ['src/statements/normalise.js', 'src/statements/prepared-batch.js'] },
  { stage: 'store', files: ['src/storage/', 'node_modules/classic-level/', 'node_modules/abstract-level/'] },
  { stage: 'answer', files: ['src/statements/answer.js', 'node_modules/fastify/lib/reply.js', 'node:_http_outgoing'] },
  {
    stage: 'receive',
    files: [
      'src/server/', 'src/auth/', 'src/admin/', 'src/statements/routes.js', 'node_modules/fastify/', 'node_modules/find-my-way/',
      'node_modules/@fastify/', 'node:_http_server', 'node:_http_incoming', 'node:_http_common',
    ],
  },
];

/** Sockets and streams, which both receiving and answering use: a call that no rule's code has made comes from the socket. */
const ofSockets = /^node:(net|internal\/stream)/;

/**
 * Shares out the time of a profile among stages: each sample belongs to the innermost function on its stack that a rule names.
 * @returns microseconds that the thread was busy; times of idleness are left out, and those that the profiler takes for itself
 */
export function timeByStage({ nodes, samples, timeDeltas }: CpuProfile): Map<Stage, number> {
  const stageOf = stagesOf(nodes);
  const times = new Map<Stage, number>();
  samples.forEach((node, index) => {
    const stage = stageOf.get(node);
    if (stage !== undefined) times.set(stage, (times.get(stage) ?? 0) + Math.max(0, timeDeltas[index] ?? 0));
  });
  return times;
}

/** The stage of each node; none for idle ones and the profiler's own. */
function stagesOf(nodes: CpuProfile['nodes']): Map<number, Stage> {
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child): [number, number] => [child, id])));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const stages = new Map<number, Stage>();
  for (const node of nodes) {
    const special = specialNodes.get(node.callFrame.functionName);
    if (special === 'idle') continue;
    let stage = special;
    let ofProfiler = false;
    for (let at: typeof node | undefined = node; at && stage === undefined; at = byId.get(parents.get(at.id) ?? -1)) {
      stage = ruledStage(at.callFrame);
      ofProfiler ||= at.callFrame.url === 'node:inspector';
    }
    if (!ofProfiler) stages.set(node.id, stage ?? (ofSockets.test(node.callFrame.url) ? 'receive' : 'other'));
  }
  return stages;
}

const specialNodes = new Map<string, Stage | 'idle'>([['(idle)', 'idle'], ['(program)', 'native'], ['(garbage collector)', 'garbage collection']]);

function ruledStage({ functionName, url }: { functionName: string; url: string }): Stage | undefined {
  if (url === '') return undefined;
  const fits = (file: string): boolean => (file.endsWith('/') ? url.includes(file.startsWith('node:') ? file : `/${file}`) : url === file || url.endsWith(`/${file}`));
  return stageRules.find(({ files, functions }) => files.some(fits) && (functions === undefined || functions.includes(functionName)))?.stage;
}
