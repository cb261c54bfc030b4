import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand, CompleteMultipartUploadCommand, CreateMultipartUploadCommand, DeleteObjectCommand, GetObjectCommand, HeadBucketCommand, ListMultipartUploadsCommand,
  PutObjectCommand, S3Client, S3ServiceException, UploadPartCommand,
} from '@aws-sdk/client-s3';
import { QuipuError } from '../../xapi/errors.js';
import type { Blobs } from './blobs.js';
import { inPieces } from './pieces.js';

export interface S3Options {
  bucket: string;
  /** Of a server that speaks S3; Amazon's when left out. */
  url?: string;
  region?: string;
}

/** Attachments in S3. */
export interface S3Blobs extends Blobs {
  /** @throws Error with a sentence for the operator when the bucket can't be used */
  check(): Promise<void>;
  close(): void;
}

/** Bytes of one part; 10,000 parts make an upload at the most. */
const PART = 8 << 20;

/**
 * Attachments and packages in a bucket of S3, under `tenant/hash/id` and `tenant/packages/id`. What is longer than one part is uploaded part by part. Credentials come
 * from where the SDK looks for them: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, its files, the role of the machine.
 */
export function createS3Blobs({ bucket, url, region }: S3Options): S3Blobs {
  const s3 = new S3Client({
    ...(region !== undefined && { region }),
    ...(url !== undefined && { endpoint: url, forcePathStyle: true, region: region ?? 'us-east-1' }),
    requestChecksumCalculation: 'WHEN_REQUIRED', responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 2, requestHandler: { connectionTimeout: 3000, requestTimeout: 10_000, throwOnRequestTimeout: true },
  });
  const at = (Key: string): { Bucket: string; Key: string } => ({ Bucket: bucket, Key });

  async function writeParts(id: string, first: Buffer, rest: AsyncGenerator<Buffer>): Promise<void> {
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand(at(id)));
    const Parts: { PartNumber: number; ETag: string | undefined }[] = [];
    const writePart = async (Body: Buffer): Promise<void> => {
      const PartNumber = Parts.length + 1;
      const { ETag } = await s3.send(new UploadPartCommand({ ...at(id), UploadId, PartNumber, Body }));
      Parts.push({ PartNumber, ETag });
    };
    await writePart(first);
    for await (const part of rest) await writePart(part);
    await s3.send(new CompleteMultipartUploadCommand({ ...at(id), UploadId, MultipartUpload: { Parts } }));
  }

  return {
    newId: (tenant, group) => `${tenant}/${group}/${randomUUID()}`,
    write: reached(async (id, source) => {
      const pieces = inPieces(source, PART);
      const first = (await pieces.next()).value as Buffer | undefined;
      if (first?.length === PART) await writeParts(id, first, pieces);
      else await s3.send(new PutObjectCommand({ ...at(id), Body: first ?? Buffer.alloc(0) }));
    }),
    open: reached(async (id, part) => {
      try {
        const { Body } = await s3.send(new GetObjectCommand({ ...at(id), ...(part && { Range: `bytes=${part.start}-${part.end - 1}` }) }));
        return Body as Readable;
      } catch (error) {
        if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404) return undefined;
        throw error;
      }
    }),
    remove: reached(async (id) => {
      const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: id }));
      for (const { UploadId } of Uploads) await s3.send(new AbortMultipartUploadCommand({ ...at(id), UploadId }));
      await s3.send(new DeleteObjectCommand(at(id)));
    }),
    check: async () => {
      try {
        await s3.send(new HeadBucketCommand({ Bucket: bucket }));
      } catch (error) {
        throw new Error(`The bucket ${bucket} of QUIPU_S3_BUCKET can't be used: ${(error as Error).name} ${(error as Error).message}`);
      }
    },
    close: () => s3.destroy(),
  };
}

/** A call of the SDK, whose failures mean that the store of attachments is away. Errors of the stream that is read stay as they are. */
function reached<A extends unknown[], R>(work: (...args: A) => Promise<R>): (...args: A) => Promise<R> {
  return async (...args) => {
    try {
      return await work(...args);
    } catch (error) {
      const { $metadata, syscall } = error as { $metadata?: unknown; syscall?: unknown };
      const ofNetwork = syscall !== undefined || /^(TimeoutError|RequestTimeout|CredentialsProviderError)$/.test((error as Error).name);
      throw $metadata !== undefined || ofNetwork ? away(error) : error;
    }
  };
}

/** S3 does not answer, or refuses; `cause` tells why. */
function away(cause: unknown): QuipuError {
  const error = new QuipuError('store-unavailable', 'S3, which holds the attachments, does not answer as it should; nothing of this request is known to be stored. Send it again.', { retryAfter: 2 });
  error.cause = cause;
  return error;
}
