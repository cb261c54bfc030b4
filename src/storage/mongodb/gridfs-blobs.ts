import { Readable } from 'node:stream';
import { GridFSBucket, ObjectId, type Db } from 'mongodb';
import type { Blobs } from './blobs.js';
import { inPieces } from './pieces.js';
import { answering, storeFailure } from './store-failure.js';

/** Bytes of one chunk. */
const CHUNK = 1 << 20;

/**
 * Attachments and packages in the bucket `attachments` of GridFS. Chunks are written one after the other, so that none is on its way any more
 * when `write` has failed. In a cluster, shard `attachments.chunks` by `{ files_id: 1, n: 1 }`.
 */
export function createGridfsBlobs(db: Db): Blobs {
  const bucket = new GridFSBucket(db, { bucketName: 'attachments' });
  const files = db.collection<{ _id: ObjectId; length: number; chunkSize: number; uploadDate: Date; filename: string }>('attachments.files');
  const chunks = db.collection<{ files_id: ObjectId; n: number; data: Buffer }>('attachments.chunks');
  return {
    newId: () => new ObjectId().toHexString(),
    write: answering(async (id, source) => {
      const _id = ObjectId.createFromHexString(id);
      let length = 0;
      let n = 0;
      for await (const data of inPieces(source, CHUNK)) {
        await chunks.insertOne({ files_id: _id, n: n++, data });
        length += data.length;
      }
      await files.insertOne({ _id, length, chunkSize: CHUNK, uploadDate: new Date(), filename: id });
    }),
    open: async (id, part) => Readable.from(answeringBytes(bucket.openDownloadStream(ObjectId.createFromHexString(id), part)), { objectMode: false }),
    remove: answering(async (id) => {
      const _id = ObjectId.createFromHexString(id);
      await files.deleteOne({ _id });
      await chunks.deleteMany({ files_id: _id });
    }),
  };
}

async function* answeringBytes(stream: Readable): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of stream) yield chunk as Buffer;
  } catch (error) {
    throw storeFailure(error);
  }
}
