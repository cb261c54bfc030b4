import type { Readable } from 'node:stream';
import { brokeOff } from '../attachment-bytes.js';

/**
 * Bytes up to which an attachment is small. A small one costs its statement's commit some more bytes, which go to the disk twice, in
 * LevelDB's log and its tables; another one costs flushes of its own and goes there once. See docs/adr/0025.
 */
export const MOST_SMALL_BYTES = 64 << 10;
/** Bytes of small attachments that are held in memory at a time, over all requests; above that they become files as large ones do. */
export const MOST_HELD_BYTES = 64 << 20;
/** What holding one takes beside its bytes, about. */
const OVERHEAD = 1 << 10;

/** The bytes of one small attachment, in memory until they are freed. */
export interface HeldBytes {
  bytes: Buffer;
  /** May be called again, and then does nothing. */
  free(): void;
}

/** Holds small attachments in memory, within a bound. */
export interface Holding {
  /**
   * Reads a source to its end when it is small.
   * @returns undefined when it has more bytes than `mostBytes` or than may be held: then all of them are still to be read
   * @throws the source's error when it breaks off
   */
  hold(source: Readable, mostBytes: number): Promise<HeldBytes | undefined>;
  /** The same for bytes that are all there. */
  holdWhole(bytes: Buffer, mostBytes: number): HeldBytes | undefined;
}

/** @param bound bytes that are held at a time */
export function createHolding(bound = MOST_HELD_BYTES): Holding {
  let held = 0;

  return {
    holdWhole: (bytes, mostBytes) => {
      const size = bytes.length + OVERHEAD;
      if (bytes.length > mostBytes || held + size > bound) return undefined;
      let taken = size;
      held += size;
      return { bytes, free: () => {
        held -= taken;
        taken = 0;
      } };
    },
    hold: (source, mostBytes) => new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let length = 0;
      let taken = OVERHEAD;
      held += OVERHEAD;
      const free = (): void => {
        held -= taken;
        taken = 0;
      };
      const leave = (): void => {
        source.off('data', take).off('end', end).off('close', broken);
      };
      const take = (chunk: Buffer): void => {
        chunks.push(chunk);
        length += chunk.length;
        taken += chunk.length;
        held += chunk.length;
        if (length <= mostBytes && held <= bound) return;
        leave();
        free();
        source.pause();
        source.unshift(Buffer.concat(chunks));
        resolve(undefined);
      };
      const end = (): void => {
        leave();
        // A copy: a chunk is a part of what came over the network at once, and would keep all of it.
        resolve({ bytes: Buffer.concat(chunks), free });
      };
      const broken = (): void => {
        leave();
        free();
        reject(source.errored ?? brokeOff());
      };
      // Stays: the source may fail before somebody else goes on with it.
      source.on('error', () => undefined);
      source.on('data', take).on('end', end).on('close', broken);
      if (source.destroyed) broken();
    }),
  };
}
