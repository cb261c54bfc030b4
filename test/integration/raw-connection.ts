import { connect, type Socket } from 'node:net';

/** A TCP connection to the server, for what no well-behaved client sends. */
export interface RawConnection {
  readonly socket: Socket;
  write(data: string | Buffer): void;
  /** Everything received until the server closes the connection or the time is over. */
  untilClosed(milliseconds: number): Promise<{ text: string; closed: boolean }>;
  /** Everything received until it satisfies `enough`, the connection is closed or the time is over. */
  until(enough: (text: string) => boolean, milliseconds: number): Promise<string>;
  close(): void;
}

/** @param url of the server */
export async function openRaw(url: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  let text = '';
  let closed = false;
  let look = (): void => undefined;
  socket.on('error', () => undefined);
  socket.on('close', () => {
    closed = true;
    look();
  });
  const listen = (): void => {
    if (socket.listenerCount('data') > 0) return;
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      look();
    });
  };
  const wait = (enough: () => boolean, milliseconds: number): Promise<void> => new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    look = () => {
      if (!closed && !enough()) return;
      clearTimeout(timer);
      resolve();
    };
    listen();
    look();
  });
  return {
    socket,
    write: (data) => void (socket.writable && socket.write(data)),
    untilClosed: async (milliseconds) => {
      await wait(() => false, milliseconds);
      return { text, closed };
    },
    until: async (enough, milliseconds) => {
      await wait(() => enough(text), milliseconds);
      return text;
    },
    close: () => socket.destroy(),
  };
}
