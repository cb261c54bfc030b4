import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { CreateBucketCommand, ListMultipartUploadsCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { freePort, startService, type ServiceProcess } from './service-process.js';

/** A server that speaks S3, with its data in memory. */
export interface S3Service {
  readonly url: string;
  readonly process: ServiceProcess;
  /** Makes a bucket that no other test uses. */
  freshBucket(): Promise<string>;
  /** Keys of the objects in a bucket, and of uploads that have not come to their end. */
  keys(bucket: string): Promise<string[]>;
  end(): Promise<void>;
}

const python = (): string => process.env.QUIPU_TEST_PYTHON ?? 'python3';

/** What to do to have an S3 server for the tests; undefined when it is there. */
export function s3Missing(): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(python(), ['-c', 'import moto.server'], (error) => resolve(error ? "install the Python package 'moto[server]', or set QUIPU_TEST_PYTHON to a Python that has it" : undefined));
  });
}

/** Starts moto, and gives this process credentials for it. */
export async function startS3(): Promise<S3Service> {
  process.env.AWS_ACCESS_KEY_ID ??= 'test';
  process.env.AWS_SECRET_ACCESS_KEY ??= 'test';
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const running = await startService(python(), ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)], () => fetch(url).then(() => true, () => false));
  const client = new S3Client({ endpoint: url, forcePathStyle: true, region: 'us-east-1' });
  return {
    url,
    process: running,
    freshBucket: async () => {
      const Bucket = `quipu-test-${randomBytes(6).toString('hex')}`;
      await client.send(new CreateBucketCommand({ Bucket }));
      return Bucket;
    },
    keys: async (Bucket) => {
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }));
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
      return [...Contents, ...Uploads].map(({ Key }) => Key!);
    },
    end: async () => {
      client.destroy();
      await running.kill();
    },
  };
}
