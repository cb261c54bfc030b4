import { pino, type Logger } from 'pino';
import { QuipuError } from '../xapi/errors.js';

/** An error as it stands in the log. */
interface LoggedError {
  type: string;
  code?: string;
  message: string;
  /** Where it arose, without its message. */
  stack?: string;
  cause?: LoggedError;
}

const longestMessage = 500;
const deepestCause = 3;

/**
 * The log: JSON, one line an event, on standard error.
 * @param span the span under way, whose ids join a line with its trace
 */
export function createLog(level: string, span?: () => object | undefined): Logger {
  return pino({
    level, base: undefined, serializers: { err: loggedError },
    ...(span && { mixin: () => span() ?? {} }),
  }, pino.destination({ fd: 2, sync: true }));
}

/**
 * What of an error may stand in the log: never its other properties, for those of the drivers hold what was to be written, and no
 * message that quotes a text which could not be read.
 */
export function loggedError(error: unknown, depth = 0): LoggedError {
  if (!(error instanceof Error)) return { type: typeof error, message: 'something else than an error was thrown' };
  const { code } = error as { code?: unknown };
  const quotes = error instanceof SyntaxError;
  return {
    type: error.name,
    ...(typeof code === 'string' || typeof code === 'number' ? { code: String(code) } : {}),
    message: quotes ? 'a text can not be read' : error.message.slice(0, longestMessage),
    ...(error.stack === undefined ? {} : { stack: placesOf(error.stack) }),
    ...(error.cause instanceof Error && depth < deepestCause ? { cause: loggedError(error.cause, depth + 1) } : {}),
  };
}

/** The lines of a stack behind the message, which may itself have several lines. */
function placesOf(stack: string): string {
  return stack.split('\n').filter((line) => /^ +at /.test(line)).join('\n');
}

/** Code by which a failure is counted, when it is one of the store and no refusal. */
export function failureCode(error: unknown): string | undefined {
  if (!(error instanceof QuipuError)) return 'internal';
  return error.status >= 500 ? error.code : undefined;
}
