import type { LoadRequest } from './load.js';
import type { Bench, Target } from './scenario.js';

/**
 * Reads a statement by its id, of Quipu or a peer.
 * @returns undefined when the target hasn't got it, or does not answer. Ralph answers a list, of that statement or of none.
 */
export async function readStatement(target: Target, id: string): Promise<{ id: string } | undefined> {
  const answer = await fetch(`${target.url}/statements?statementId=${id}`, { headers: headersOf(target) }).catch(() => undefined);
  const body = await answer?.json().catch(() => undefined) as { id?: string; statements?: { id: string }[] } | undefined;
  const statement = body?.statements ? body.statements[0] : body;
  return answer?.status === 200 && statement?.id === id ? { ...statement, id } : undefined;
}

/**
 * The peers that answer such a request with success, found out by sending it to each once; a line is said of each that
 * doesn't. So what a peer can't do at all is left out instead of being counted as wrong answers.
 * @param request called for each peer; the ids in its body must be new each time
 */
export async function peersThatTake(bench: Pick<Bench, 'peers' | 'say'>, what: string, request: () => LoadRequest): Promise<Target[]> {
  const able: Target[] = [];
  for (const peer of bench.peers) {
    const { method, path, headers, body } = request();
    const { ok, said } = await fetch(`${peer.url}${path}`, { method, headers: { ...headersOf(peer), ...headers }, body }).then(
      async (answer) => ({ ok: answer.ok, said: `answers ${answer.status}: ${(await answer.text()).slice(0, 200)}` }),
      (error: Error) => ({ ok: false, said: `does not answer: ${String(error.cause ?? error)}` }),
    );
    if (ok) able.push(peer);
    else bench.say(`${what}: without ${peer.name}, which ${said}`);
  }
  return able;
}

function headersOf({ authorization, version }: Target): Record<string, string> {
  return { Authorization: authorization, 'X-Experience-API-Version': version };
}
