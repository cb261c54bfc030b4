import { createHash } from 'node:crypto';
import { mkdir, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Longest path that a Unix socket may have. */
const LONGEST_SOCKET_PATH = 100;

/**
 * Path of a socket in the data folder, or, when that path is too long for a socket, in a folder of the system's temporary
 * one that nobody else may enter.
 * @param name such as `quipu.sock`
 * @throws Error when somebody else has made that folder
 */
export async function privateSocketPath(dataDir: string, name: string): Promise<string> {
  const path = join(dataDir, name);
  if (Buffer.byteLength(path) <= LONGEST_SOCKET_PATH) return path;
  const folder = join(tmpdir(), `quipu-${createHash('sha256').update(dataDir).digest('hex').slice(0, 16)}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { uid, mode } = await stat(folder);
  if ((process.getuid && uid !== process.getuid()) || (mode & 0o077) !== 0) throw new Error(`The folder ${folder} is open to others; remove it, or set QUIPU_DATA_DIR to a shorter path.`);
  return join(folder, name);
}

/** Whether somebody answers on a socket. */
export function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
