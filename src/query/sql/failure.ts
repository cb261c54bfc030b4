/** ClickHouse's errors that the guard and the interface give themselves, with ClickHouse's numbers and the HTTP status it answers them with. */
const codes = {
  SYNTAX_ERROR: [62, 400], UNKNOWN_FORMAT: [73, 400], INCORRECT_DATA: [117, 400], UNKNOWN_DATABASE: [81, 404], BAD_ARGUMENTS: [36, 400],
  TIMEOUT_EXCEEDED: [159, 408], READONLY: [164, 500], QUERY_NOT_ALLOWED: [392, 500], INTO_OUTFILE_NOT_ALLOWED: [358, 500],
  TOO_MANY_SIMULTANEOUS_QUERIES: [202, 500], NETWORK_ERROR: [210, 503], SESSION_NOT_FOUND: [372, 500], SESSION_IS_LOCKED: [373, 500], UNKNOWN_EXCEPTION: [1002, 500], SETTING_CONSTRAINT_VIOLATION: [452, 500],
  ACCESS_DENIED: [497, 403], AUTHENTICATION_FAILED: [516, 403], CANNOT_DECOMPRESS: [271, 400], TOO_LARGE_SIZE: [131, 400],
} as const;

export type FailureName = keyof typeof codes;

/** A refusal in ClickHouse's form: number, name and text, and the HTTP status it goes with. */
export class SqlFailure extends Error {
  readonly code: number;
  readonly type: string;
  readonly status: number;

  constructor(type: FailureName, message: string);
  constructor(type: string, message: string, code: number, status: number);
  constructor(type: string, message: string, code?: number, status?: number) {
    super(message);
    const known: readonly [number, number] | undefined = (codes as Record<string, readonly [number, number]>)[type];
    this.type = type;
    this.code = code ?? known?.[0] ?? 1002;
    this.status = status ?? known?.[1] ?? 500;
  }

  /** The body of the answer, as ClickHouse writes it. @param version of the engine */
  text(version: string): string {
    const end = /[.!?)]$/.test(this.message) ? '' : '.';
    return `Code: ${this.code}. DB::Exception: ${this.message}${end} (${this.type}) (version ${version} (official build))\n`;
  }
}

/** Statuses of the HTTP interface for errors of the engine that are the caller's (ClickHouse's own table); the rest are 500. */
const callers: ReadonlyMap<number, number> = new Map<number, number>([
  ...[6, 26, 27, 33, 36, 38, 41, 43, 44, 46, 47, 52, 53, 62, 70, 72, 73, 115, 117, 131, 179, 215, 386, 456, 457].map((code): [number, number] => [code, 400]),
  ...[60, 81, 16].map((code): [number, number] => [code, 404]),
  [159, 408], [48, 501], [497, 403], [516, 403],
]);

/** An error that the engine gave, to be told as it is. */
export function engineFailure(code: number, type: string, message: string): SqlFailure {
  return new SqlFailure(type, message, code, callers.get(code) ?? 500);
}
