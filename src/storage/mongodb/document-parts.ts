import type { Db } from 'mongodb';

/** Content up to this many bytes is in its document's row. */
const INLINE = 256 << 10;
/** Bytes of one part; a row has room for 16 MB. */
const PART = 4 << 20;

interface PartRow {
  /** `revision of the document/number` */
  _id: string;
  content: Buffer;
}

/** Contents that are too big for one row, in parts by the revision of their document. */
export interface DocumentParts {
  /** How many parts a content makes; 0 for one that stays in the row. */
  count(content: Buffer): number;
  write(revision: string, content: Buffer): Promise<void>;
  /** The content; undefined when parts of it are gone. */
  read(revision: string, count: number): Promise<Buffer | undefined>;
  remove(revisions: readonly string[]): Promise<void>;
}

export function createDocumentParts(db: Db): DocumentParts {
  const rows = db.collection<PartRow>('documentParts');
  const count = (content: Buffer): number => (content.length <= INLINE ? 0 : Math.ceil(content.length / PART));
  const partId = (revision: string, index: number): string => `${revision}/${index}`;
  return {
    count,
    write: async (revision, content) => {
      for (let index = 0; index < count(content); index++) {
        await rows.replaceOne({ _id: partId(revision, index) }, { content: content.subarray(index * PART, (index + 1) * PART) }, { upsert: true });
      }
    },
    read: async (revision, parts) => {
      const contents: Buffer[] = [];
      for (let index = 0; index < parts; index++) {
        const row = await rows.findOne({ _id: partId(revision, index) });
        if (!row) return undefined;
        contents.push(row.content);
      }
      return Buffer.concat(contents);
    },
    remove: async (revisions) => {
      // '0' follows '/', so this is the range of the ids that begin with the revision.
      for (const revision of revisions) await rows.deleteMany({ _id: { $gte: `${revision}/`, $lt: `${revision}0` } });
    },
  };
}
