import { ObjectId, type Collection, type Db } from 'mongodb';
import type { Chores } from './chores.js';
import type { DocumentParts } from './document-parts.js';
import type { Processes } from './processes.js';

/** A document as it was seen: `rev` is another one after each write. */
export interface SeenDocument {
  _id: string;
  rev: string;
  /** How many parts of its content stand elsewhere. */
  parts: number;
}

/** Something to be done to its end, also when its process dies. */
interface RedoRow {
  _id: string;
  /** Who does it. */
  process: string;
  /** `removal`: the documents on its pages go. `parts`: of these revisions of a document, parts stay of the current one only. */
  kind: 'removal' | 'parts';
  pages?: number;
  document?: string;
  revisions?: string[];
}

interface RedoPageRow {
  /** `redo/number` */
  _id: string;
  process: string;
  documents: SeenDocument[];
}

/** What changes several rows, made safe against the death of its process: first it is written down, then it is done. */
export interface DocumentRedo {
  /** Removes those that are still as they were seen. @returns how many */
  removeAll(documents: readonly SeenDocument[]): Promise<number>;
  /**
   * Runs a write around which parts of these revisions have to be cleared: whatever becomes of the write, only those of the
   * revision that is then current stay.
   * @returns whether others have cleared up already, taking this process for dead
   */
  clearingParts<T>(document: string, revisions: string[], write: () => Promise<T>): Promise<{ result: T; overtaken: boolean }>;
  /** Does what a dead process has left undone. */
  finishOf(process: string): Promise<void>;
}

const PAGE = 10_000;

export function createDocumentRedo(db: Db, documents: Collection<SeenDocument>, parts: DocumentParts, processes: Processes, chores: Chores): DocumentRedo {
  const redos = db.collection<RedoRow>('documentRedo');
  const pages = db.collection<RedoPageRow>('documentRedoPages');
  const pageId = (redo: string, index: number): string => `${redo}/${index}`;

  async function removePage(page: readonly SeenDocument[]): Promise<number> {
    const { deletedCount } = await documents.bulkWrite(page.map(({ _id, rev }) => ({ deleteOne: { filter: { _id, rev } } })), { ordered: false });
    await parts.remove(page.filter((one) => one.parts > 0).map(({ rev }) => rev));
    return deletedCount;
  }

  /** Repeatable, by anybody. @returns how many documents went, and whether it was still to be done */
  async function finish(id: string): Promise<{ removed: number; there: boolean }> {
    const redo = await redos.findOne({ _id: id });
    let removed = 0;
    for (let index = 0; index < (redo?.pages ?? 0); index++) {
      const page = await pages.findOne({ _id: pageId(id, index) });
      if (page) removed += await removePage(page.documents);
    }
    if (redo?.document !== undefined) {
      const current = await documents.findOne({ _id: redo.document }, { projection: { rev: 1 } });
      await parts.remove((redo.revisions ?? []).filter((revision) => revision !== current?.rev));
    }
    await pages.deleteMany({ _id: { $gte: `${id}/`, $lt: `${id}0` } });
    const there = redo !== null && (await redos.deleteOne({ _id: id })).deletedCount === 1;
    return { removed, there };
  }

  /** Runs work that needs `finish` afterwards, whatever becomes of it. */
  async function thenFinish<T>(id: string, work: () => Promise<T>): Promise<{ result: T; removed: number; there: boolean }> {
    try {
      const result = await work();
      return { result, ...(await finish(id)) };
    } catch (error) {
      chores.add(() => finish(id));
      throw error;
    }
  }

  return {
    removeAll: async (seen) => {
      if (seen.length === 0) return 0;
      const id = new ObjectId().toHexString();
      const process = processes.id;
      const { removed } = await thenFinish(id, async () => {
        const count = Math.ceil(seen.length / PAGE);
        for (let index = 0; index < count; index++) {
          await pages.insertOne({ _id: pageId(id, index), process, documents: seen.slice(index * PAGE, (index + 1) * PAGE) });
        }
        await redos.insertOne({ _id: id, process, kind: 'removal', pages: count });
      });
      return removed;
    },
    clearingParts: async (document, revisions, write) => {
      const id = new ObjectId().toHexString();
      const { result, there } = await thenFinish(id, async () => {
        await redos.insertOne({ _id: id, process: processes.id, kind: 'parts', document, revisions });
        return write();
      });
      return { result, overtaken: !there };
    },
    finishOf: async (process) => {
      for (const { _id } of await redos.find({ process }, { projection: { _id: 1 } }).toArray()) await finish(_id);
      await pages.deleteMany({ process });
    },
  };
}
