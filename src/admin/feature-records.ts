/** How far a slice of work on records has come. */
export interface RecordSlice {
  /** Records that it took, or would take. */
  count: number;
  /** Where the next slice goes on; undefined when there is nothing more. */
  after?: string;
}

/** Which slice. */
export interface SliceOptions {
  /** Counts and takes nothing. */
  dryRun: boolean;
  /** As the slice before has it; undefined for the first. */
  after?: string;
}

/**
 * What features keep of persons in records of their own, beside statements and documents. Persons are named by their canonical
 * identifiers (`agentIdentifier`). Everything may be done twice.
 */
export interface FeatureRecords {
  /** Takes what is the person's own, and ends at once what they have under way, so that nothing more of theirs arrives by it. */
  eraseOwn(tenant: string, identifiers: readonly string[], options: SliceOptions): Promise<RecordSlice>;
  /** Takes records of what others did that name the person. */
  eraseMentions(tenant: string, identifiers: readonly string[], options: SliceOptions): Promise<RecordSlice>;
  /**
   * Brings to its end what is written down and may store statements once more that are stored already. Called when it is settled which
   * statements go, and before they do: none of those comes back after it.
   */
  settle(tenant: string): Promise<void>;
  /** Everything that `eraseOwn` and `eraseMentions` would take, each an object with a `kind`. */
  list(tenant: string, identifiers: readonly string[]): AsyncIterable<{ kind: string }>;
}
