import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { constants, type BrotliCompress, type Deflate, type Gzip, createBrotliCompress, createDeflate, createGzip } from 'node:zlib';
import type { EngineAnswer } from './engine.js';
import { SqlFailure } from './failure.js';
import { packBlocks } from './native-blocks.js';

/** How an answer is packed. */
export interface Packing {
  /** In ClickHouse's own compressed blocks. */
  blocks: boolean;
  /** Content-Encoding. */
  encoding?: string;
}

const encoders: Readonly<Record<string, () => Gzip | Deflate | BrotliCompress>> = {
  gzip: () => createGzip({ level: 1 }), deflate: () => createDeflate({ level: 1 }), br: () => createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
};

/** The encoding of Accept-Encoding that is taken; an encoding with `q=0` is not. */
export function acceptedEncoding(request: IncomingMessage): string | undefined {
  const accepted = new Set(String(request.headers['accept-encoding'] ?? '').toLowerCase().split(',').flatMap((one) => {
    const [name = '', ...parameters] = one.split(';').map((part) => part.trim());
    return parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter)) ? [] : [name];
  }));
  return ['gzip', 'br', 'deflate'].find((name) => accepted.has(name));
}

const passed = ['content-type', 'x-clickhouse-format', 'x-clickhouse-query-id', 'x-clickhouse-timezone', 'x-clickhouse-summary', 'x-clickhouse-exception-tag'];

/**
 * Sends what the engine answers as it comes. When it fails half-way the answer breaks off behind the engine's message, and the
 * connection is closed, so that no client takes the part for the whole.
 */
export async function sendAnswer(response: ServerResponse, { stream, headers }: EngineAnswer, { blocks, encoding }: Packing): Promise<void> {
  for (const name of passed) {
    const value = headers[name];
    if (value !== undefined) response.setHeader(name, value);
  }
  const encoder = blocks || encoding === undefined ? undefined : encoders[encoding]?.();
  if (encoder) response.setHeader('Content-Encoding', encoding!);
  response.setHeader('Vary', 'Accept-Encoding');
  const sink = encoder ?? response;
  if (encoder) encoder.pipe(response);
  const closed = once(response, 'close').catch(() => undefined);
  try {
    for await (const chunk of stream as Readable & AsyncIterable<Buffer>) {
      if (response.destroyed) return;
      if (!sink.write(blocks ? packBlocks(chunk) : chunk)) await Promise.race([once(sink, 'drain'), closed]);
    }
    sink.end();
    if (!response.writableFinished) await closed;
  } catch {
    if (!response.headersSent) throw new SqlFailure('NETWORK_ERROR', 'The analytics engine broke off its answer');
    await new Promise<void>((resolve) => {
      if (encoder) encoder.flush(() => resolve());
      else response.write('', () => resolve());
    });
    response.destroy();
  }
}
