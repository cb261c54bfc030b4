import type { Db } from 'mongodb';
import type { Blobs } from './blobs.js';
import { createGridfsBlobs } from './gridfs-blobs.js';
import type { S3Options } from './s3-blobs.js';

/** The bytes of attachments: in S3 where it is set up, otherwise in the database. @throws Error with a sentence for the operator */
export async function openBlobs(db: Db, s3: S3Options | undefined): Promise<Blobs> {
  if (!s3) return createGridfsBlobs(db);
  const { createS3Blobs } = await import('./s3-blobs.js');
  const blobs = createS3Blobs(s3);
  await blobs.check();
  return blobs;
}
