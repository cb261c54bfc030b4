import type { Readable } from 'node:stream';
import { Dicer } from '@fastify/busboy';
import { QuipuError } from '../xapi/errors.js';
import { asStream, type AttachmentStore, type StagedAttachment } from './attachment-store.js';
import { MOST_HEADERS, MOST_WHOLE_BYTES, readWhole, splitWhole, type Part } from './whole-multipart.js';

/** A multipart/mixed request taken apart: its first part in memory, the others staged. */
export interface MultipartRequest {
  body: Buffer;
  attachments: StagedAttachment[];
}

export interface MultipartLimits {
  /** Most bytes of the first part. */
  maxBodyBytes: number;
  /** Most bytes of each attachment. */
  maxAttachmentBytes: number;
  maxAttachments: number;
}

const section = 'xAPI 1.0.3 Part Three 1.5.2; IEEE 9274.1.1 4.1.3';
/** Most bytes before the first part, which RFC 2046 lets a sender fill as it likes. */
const MOST_PREAMBLE = 64 << 10;

/** The boundary of a multipart/mixed content type; undefined when it is of another type. @throws QuipuError when it has none */
export function boundaryOf(contentType: string): string | undefined {
  if (!/^multipart\/mixed\s*(;|$)/i.test(contentType)) return undefined;
  const matched = /;\s*boundary=(?:"([^"\r\n]{1,70})"|([^\s";,]{1,70}))/i.exec(contentType);
  if (!matched) throw fault('The Content-Type has no boundary.', 'multipart-boundary', 'multipart/mixed; boundary=…', 'Content-Type');
  return matched[1] ?? matched[2];
}

/**
 * Reads a multipart/mixed request (1.0.3 Part Three 1.5.2): the statements first, then one part an attachment, each streamed to
 * the attachment store and verified against its X-Experience-API-Hash.
 * @param declared bytes that the request says it has
 * @throws QuipuError `malformed-multipart`, `invalid-attachment`, `too-large`; then nothing stays behind
 */
export async function readMultipart(source: Readable, boundary: string, tenant: string, store: AttachmentStore, limits: MultipartLimits, declared = Infinity): Promise<MultipartRequest> {
  const whole = declared <= MOST_WHOLE_BYTES ? await readWhole(source, MOST_WHOLE_BYTES) : undefined;
  const parts = whole && splitWhole(whole, boundary);
  if (parts && parts.length > 0) return takeParts(parts, tenant, store, limits);
  if (!whole && source.destroyed && !source.readableEnded) throw source.errored ?? bodyBrokeOff();
  return readStreamed(whole ? asStream(whole) : source, boundary, tenant, store, limits);
}

/** Takes the parts of a body that is all there. */
async function takeParts([first, ...others]: readonly Part[], tenant: string, store: AttachmentStore, limits: MultipartLimits): Promise<MultipartRequest> {
  checkStatements(first!.headers);
  if (first!.content.length > limits.maxBodyBytes) throw statementsTooLarge(limits);
  const hashes = others.map(({ headers }, index) => hashOf(headers, index, limits));
  const staged = await Promise.allSettled(others.map(({ content }, index) => store.stage(tenant, hashes[index]!, content, limits.maxAttachmentBytes)));
  const attachments = staged.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failed = staged.find((one) => one.status === 'rejected');
  if (!failed) return { body: first!.content, attachments };
  await Promise.all(attachments.map((part) => part.discard()));
  throw failed.reason;
}

/** Takes the parts as they arrive. */
async function readStreamed(source: Readable, boundary: string, tenant: string, store: AttachmentStore, limits: MultipartLimits): Promise<MultipartRequest> {
  const dicer = new Dicer({ boundary, maxHeaderPairs: MOST_HEADERS });
  const chunks: Buffer[] = [];
  const staging: Promise<StagedAttachment | undefined>[] = [];
  let failure: unknown;
  let parts = 0;
  let current: { stream: Readable; headed: boolean } | undefined;
  const fail = (error: unknown): void => {
    failure ??= error;
    source.unpipe(dicer);
    source.resume();
    dicer.destroy();
    // Whoever reads the part waits for its end, which does not come any more.
    current?.stream.destroy();
  };
  const checkHeaders = (): void => {
    if (current && !current.headed) fail(fault(`Part ${parts - 1} has no headers.`, 'multipart-headers', 'headers, an empty line, then the content'));
  };

  function takeStatements(part: Readable, headers: PartHeaders): void {
    checkStatements(headers);
    let length = 0;
    part.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > limits.maxBodyBytes) fail(statementsTooLarge(limits));
      else chunks.push(chunk);
    });
  }

  function takeAttachment(part: Readable, headers: PartHeaders): void {
    staging.push(store.stage(tenant, hashOf(headers, staging.length, limits), part, limits.maxAttachmentBytes).catch((error: unknown) => {
      fail(error);
      return undefined;
    }));
  }

  await new Promise<void>((resolve) => {
    dicer.on('part', (part) => {
      checkHeaders();
      const stream = part as unknown as Readable;
      // Dicer goes through what it was given last, also when it was told to end; nobody would tell whoever reads this part of its end.
      if (failure !== undefined) return void stream.on('error', () => undefined).resume();
      const number = parts++;
      const opened = { stream, headed: false };
      current = opened;
      stream.on('error', () => undefined);
      part.on('header', (fields: Record<string, string[]>) => {
        opened.headed = true;
        if (failure !== undefined) return;
        try {
          if (number === 0) takeStatements(stream, readFields(fields));
          else takeAttachment(stream, readFields(fields));
        } catch (error) {
          fail(error);
          resolve();
        }
      });
    });
    dicer.on('finish', () => {
      checkHeaders();
      resolve();
    });
    dicer.on('close', resolve);
    dicer.on('error', (error: Error) => {
      fail(fault(`The body breaks RFC 2046: ${error.message}.`, 'multipart-form', 'parts between boundaries, and the closing boundary'));
      resolve();
    });
    source.on('error', (error) => {
      fail(error);
      resolve();
    });
    source.on('close', () => {
      if (source.readableEnded) return;
      fail(bodyBrokeOff());
      resolve();
    });
    let preamble = 0;
    source.on('data', (chunk: Buffer) => {
      if (parts > 0) return;
      if (preamble > MOST_PREAMBLE) fail(fault(`No part begins in the first ${preamble} bytes.`, 'multipart-form', `--${boundary} before each part`));
      preamble += chunk.length;
    });
    source.pipe(dicer);
  });
  // The closing boundary may have come, and the end of the request not (RFC 9112 8).
  if (failure === undefined && !source.readableEnded && !source.destroyed) {
    await new Promise<void>((resolve) => { source.once('end', resolve).once('close', resolve).resume(); });
  }
  const attachments = (await Promise.all(staging)).filter((part): part is StagedAttachment => part !== undefined);
  if (parts === 0) failure ??= fault('The body has no parts between its boundaries.', 'multipart-form', `--${boundary} before each part`);
  if (failure !== undefined) {
    await Promise.all(attachments.map((part) => part.discard()));
    throw failure;
  }
  return { body: Buffer.concat(chunks), attachments };
}

type PartHeaders = Part['headers'];

function readFields(fields: Record<string, string[]>): PartHeaders {
  return new Map(Object.entries(fields).map(([name, values]) => [name, values[0]!.trim()]));
}

function checkStatements(headers: PartHeaders): void {
  if (/^application\/json\s*(;|$)/i.test(headers.get('content-type') ?? '')) return;
  throw fault('The first part holds the statements and has the Content-Type application/json.', 'multipart-first-part', 'Content-Type: application/json', 'Content-Type');
}

function statementsTooLarge({ maxBodyBytes }: MultipartLimits): QuipuError {
  return new QuipuError('too-large', `The statements take more than the ${maxBodyBytes} bytes that this server takes.`, { expected: `at most ${maxBodyBytes} bytes` });
}

/** The declared hash of an attachment. @param before how many attachments came before it */
function hashOf(headers: PartHeaders, before: number, { maxAttachments }: MultipartLimits): string {
  const hash = headers.get('x-experience-api-hash');
  if (hash === undefined) throw fault(`Part ${before + 2} has no X-Experience-API-Hash.`, 'multipart-hash', 'the SHA-2 of the bytes, as in sha2', 'X-Experience-API-Hash');
  if (headers.get('content-transfer-encoding')?.toLowerCase() !== 'binary') throw fault(`Part ${before + 2} has no Content-Transfer-Encoding of binary.`, 'multipart-encoding', 'Content-Transfer-Encoding: binary', 'Content-Transfer-Encoding');
  if (before >= maxAttachments) throw new QuipuError('too-large', `The request has more than ${maxAttachments} attachments.`, { expected: `at most ${maxAttachments} attachments` });
  return hash.toLowerCase();
}

function bodyBrokeOff(): QuipuError {
  return fault('The body broke off.', 'multipart-complete', 'the closing boundary');
}

function fault(message: string, rule: string, expected: string, parameter?: string): QuipuError {
  return new QuipuError('malformed-multipart', message, { rule, section, expected, ...(parameter === undefined ? {} : { parameter }) });
}
