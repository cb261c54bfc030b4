/** Exit statuses of `quipu`. */
export const exitStatus = { done: 0, failed: 1, refused: 2 } as const;

/** A failure that the operator is told in one sentence, without a stack. */
export class CommandError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CommandError';
  }
}
