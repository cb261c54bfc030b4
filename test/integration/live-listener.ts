import { request as httpRequest } from 'node:http';
import { authorization, type Key } from './server.js';

/** One event of the live tail. */
export interface LiveEvent {
  id: number;
  event?: string;
  data?: string;
}

/** Listens to the live tail of a server, or to another stream of events. */
export function listen(server: { url: string }, key: Key, query = '', headers: Record<string, string> = {}, path = '/v1/statements/live') {
  const events: LiveEvent[] = [];
  let wake = (): void => undefined;
  let status = 0;
  let ended = false;
  const outgoing = httpRequest(`${server.url}${path}${query}`, { headers: { Authorization: authorization(key), ...headers } }, (incoming) => {
    status = incoming.statusCode!;
    let buffer = '';
    incoming.setEncoding('utf8').on('data', (text: string) => {
      buffer += text;
      for (let end = buffer.indexOf('\n\n'); end >= 0; end = buffer.indexOf('\n\n')) {
        const fields = buffer.slice(0, end).split('\n').map((line) => /^(\w*): ?([^]*)$/.exec(line)!);
        buffer = buffer.slice(end + 2);
        const of = (name: string): string[] => fields.filter((field) => field[1] === name).map((field) => field[2]!);
        const event: LiveEvent = { id: Number(of('id')[0]), event: of('event')[0], data: of('data').join('\n') };
        if (event.event !== undefined) events.push(event);
      }
      wake();
    });
    incoming.on('close', () => {
      ended = true;
      wake();
    });
    wake();
  });
  outgoing.on('error', () => {
    ended = true;
    wake();
  });
  outgoing.end();
  const until = async (condition: () => boolean): Promise<void> => {
    for (const start = Date.now(); !condition();) {
      if (Date.now() - start > 60_000) throw new Error('nothing came');
      await new Promise<void>((resolve) => {
        wake = resolve;
        setTimeout(resolve, 50);
      });
    }
  };
  return {
    events, until, close: () => outgoing.destroy(),
    opened: () => until(() => status !== 0),
    get status() { return status; },
    get ended() { return ended; },
    statements: () => events.filter(({ event }) => event === 'statement').map(({ data }) => JSON.parse(data!) as { id: string; object: { id: string } }),
  };
}
