/** An error of the engine in ClickHouse's own terms. */
export class EngineException extends Error {
  /** ClickHouse's error code, such as 62. */
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.name = 'EngineException';
    this.code = code;
  }
}

/** Names of the codes that the interface itself raises; the engine's own messages carry theirs. */
const names: Readonly<Record<number, string>> = {
  36: 'BAD_ARGUMENTS', 62: 'SYNTAX_ERROR', 73: 'UNKNOWN_FORMAT', 115: 'UNKNOWN_SETTING', 202: 'TOO_MANY_SIMULTANEOUS_QUERIES', 210: 'NETWORK_ERROR', 1002: 'UNKNOWN_EXCEPTION',
};

/** The exception that a failed call of the engine stands for. */
export function exceptionOf(error: unknown): EngineException {
  if (error instanceof EngineException) return error;
  const message = error instanceof Error ? error.message : String(error);
  const found = /Code: (\d+)\. DB::Exception: ([^]*)$/.exec(message);
  return found ? new EngineException(Number(found[1]), found[2]!.trim()) : new EngineException(1002, message);
}

/** The text of an exception as ClickHouse's HTTP interface writes it. */
export function exceptionText({ code, message }: EngineException, version: string): string {
  const named = /\([A-Z][A-Z0-9_]+\)$/.test(message) ? message : `${message} (${names[code] ?? 'UNKNOWN_EXCEPTION'})`;
  return `Code: ${code}. DB::Exception: ${named} (version ${version})\n`;
}

const badRequest = new Set([6, 25, 26, 27, 32, 33, 36, 38, 41, 43, 53, 62, 69, 70, 72, 117, 130, 131, 167, 168, 377]);
const notFound = new Set([46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 116, 139]);
const others: Readonly<Record<number, number>> = { 48: 501, 76: 503, 159: 408, 194: 401, 202: 429, 209: 503, 210: 503, 223: 413, 497: 403, 516: 403 };

/** The HTTP status that goes with an exception's code. */
export function httpStatusOf(code: number): number {
  return others[code] ?? (badRequest.has(code) ? 400 : notFound.has(code) ? 404 : 500);
}
