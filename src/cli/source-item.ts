/** Where a statement stands in its source. */
export interface Place {
  /** Line, counted from 1. */
  line?: number;
  /** Index in the array or among the statements of the other LRS, from 0. */
  index?: number;
}

/** Where reading can go on after an interruption; JSON, for the checkpoint. */
export interface ResumePoint {
  /** Statements or lines before it. */
  number: number;
  /** In a file: how its statements stand there, and the offset of the first byte not read, after decompression. */
  layout?: 'lines' | 'array' | 'result' | 'values';
  offset?: number;
  /** In another LRS: the address of the next page. */
  more?: string;
}

/** What a source gives, in order. */
export type SourceItem = { resume?: ResumePoint } & (
  /** `line` is ready to be sent: one line of NDJSON without its end. */
  | { kind: 'statement'; line: Buffer; place: Place }
  | { kind: 'attachment'; line: Buffer }
  | { kind: 'refused'; place: Place; error: string; message: string }
  | { kind: 'position' }
);

/** A source of statements. */
export interface ImportSource {
  items: AsyncGenerator<SourceItem>;
  /** Bytes of the source, where they are known. */
  size?: number;
  /** Bytes read so far. */
  position(): number;
}
