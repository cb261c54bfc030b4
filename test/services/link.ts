import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A network of its own between a client and a server, which can fail. */
export interface Link {
  /** The server's URL, with this link's address instead of its own. */
  readonly url: string;
  /** Breaks all connections and takes no new ones. With `mute` what the client has sent still arrives, and no answer comes back. */
  cut(how?: 'now' | 'mute'): void;
  /** Passes nothing on, in both directions, and breaks nothing. */
  freeze(): void;
  /** Ends `cut` and `freeze`. */
  mend(): void;
  end(): Promise<void>;
}

/** @param url of the server: mongodb://, redis:// or http://, with one address */
export async function linkTo(url: string): Promise<Link> {
  const matched = /^([a-z]+:\/\/(?:[^@/]*@)?)([^/:?]+):(\d+)(.*)$/.exec(url);
  if (!matched) throw new Error(`No address with a port in ${url}`);
  const [, before, host, port, after] = matched;
  const sockets = new Set<Socket>();
  let state: 'passing' | 'cut' | 'frozen' = 'passing';
  let muted = false;

  const server = createServer((client) => {
    if (state === 'cut') {
      client.destroy();
      return;
    }
    const upstream = connect(Number(port), host);
    for (const [from, to] of [[client, upstream], [upstream, client]] as const) {
      sockets.add(from);
      from.on('error', () => undefined);
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.on('data', (bytes) => {
        if (from === upstream && muted) {
          client.destroy();
          return;
        }
        to.write(bytes);
      });
      if (state === 'frozen') from.pause();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    url: `${before}127.0.0.1:${(server.address() as AddressInfo).port}${after}`,
    cut: (how = 'now') => {
      state = 'cut';
      muted = how === 'mute';
      if (how === 'now') for (const socket of sockets) socket.destroy();
    },
    freeze: () => {
      state = 'frozen';
      for (const socket of sockets) socket.pause();
    },
    mend: () => {
      state = 'passing';
      muted = false;
      for (const socket of sockets) socket.resume();
    },
    end: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
