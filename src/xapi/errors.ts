/**
 * The one error registry. Every error that leaves Quipu has a code listed here; `docs/errors.md` is tested against it in
 * both directions, and `server/error-handler.ts` is the only place that renders one.
 */
export const errorRegistry = {
  'malformed-json': { status: 400, title: 'The body is not JSON as RFC 8259 defines it' },
  'duplicate-key': { status: 400, title: 'A JSON object names the same key twice' },
  'number-out-of-range': { status: 400, title: 'A number that no IEEE 754 double can hold' },
  'nesting-too-deep': { status: 400, title: 'JSON nested deeper than this server allows' },
  'malformed-multipart': { status: 400, title: 'The multipart/mixed body breaks RFC 2046 or the rules of xAPI for attachments' },
  'malformed-encoding': { status: 400, title: 'The body does not decode: not UTF-8, or damaged compression' },
  'invalid-statement': { status: 400, title: 'A statement breaks a rule of the standard' },
  'invalid-signature': { status: 400, title: 'The signature of a signed statement does not hold' },
  'invalid-attachment': { status: 400, title: 'An attachment and its bytes do not belong together' },
  'invalid-parameter': { status: 400, title: 'A query parameter is missing, unknown or malformed' },
  'invalid-header': { status: 400, title: 'A request header is missing or malformed' },
  'invalid-version': { status: 400, title: 'The X-Experience-API-Version header is missing or names a version that is not served' },
  'invalid-document': { status: 400, title: 'A document can not be stored or merged as asked' },
  'invalid-package': { status: 400, title: 'A course package breaks rules of cmi5, or is no package' },
  'invalid-request': { status: 400, title: 'The request does not fit the schema of its route' },
  'precondition-required': { status: 400, title: 'The request must carry If-Match or If-None-Match' },
  'unauthorized': { status: 401, title: 'The request carries no valid credential' },
  'rule-broken': { status: 403, title: 'Content of a course has broken a rule of cmi5' },
  'forbidden': { status: 403, title: 'The credential lacks the scope for this request' },
  'not-found': { status: 404, title: 'There is nothing at this address' },
  'method-not-allowed': { status: 405, title: 'The resource does not know this method' },
  'statement-conflict': { status: 409, title: 'Another statement with this id and other content is stored' },
  'document-conflict': { status: 409, title: 'A document exists and the request does not say which version it replaces' },
  'record-conflict': { status: 409, title: 'A record of this name exists, or it was changed meanwhile' },
  'launch-ended': { status: 410, title: 'The launch that the content belongs to has ended' },
  'precondition-failed': { status: 412, title: 'The document is not in the state that If-Match or If-None-Match asks for' },
  'too-large': { status: 413, title: 'The request is larger than this server allows' },
  'unsupported-media-type': { status: 415, title: 'The content type or encoding is not one that the resource takes' },
  'range-not-satisfiable': { status: 416, title: 'The range that is asked for begins behind the end' },
  'misdirected': { status: 421, title: 'The host name is not the one of this content' },
  'headers-too-large': { status: 431, title: 'The request headers are larger than this server allows' },
  'too-many-requests': { status: 429, title: 'Too many failed attempts to authenticate' },
  'request-timeout': { status: 408, title: 'The request did not arrive in time' },
  'internal': { status: 500, title: 'A fault of Quipu itself' },
  'overloaded': { status: 503, title: 'The server holds as many requests in memory as it may' },
  'store-unavailable': { status: 503, title: 'The store does not answer' },
  'storage-full': { status: 507, title: 'The disk that holds the data folder is full' },
} as const satisfies Record<string, { status: number; title: string }>;

/** A code of the registry. */
export type ErrorCode = keyof typeof errorRegistry;

/** Where the fault is and what would be right. */
export interface ErrorDetails {
  /** Index of the statement in the batch, from 0. */
  statement?: number;
  /** RFC 6901 pointer into that statement or body; '' is the whole. */
  pointer?: string;
  /** The query parameter or header at fault. */
  parameter?: string;
  /** Short kebab-case name of the rule broken, such as `actor-one-identifier`. */
  rule?: string;
  /** Requirement of cmi5 that the rule goes back to, such as `9.3.0.0-2 (d)`. */
  requirement?: string;
  /** Section of the standard that holds the rule, such as `xAPI 1.0.3 Part Two 2.4.2.3`. */
  section?: string;
  /** What would be right, in words or by example. */
  expected?: string;
  /** Everything that is wrong, where more than one thing is told: each with `rule`, `section`, `message` and `hint`. */
  faults?: readonly object[];
  /** Seconds after which to try again; becomes the Retry-After header. */
  retryAfter?: number;
  /** Further headers of the answer. */
  headers?: Record<string, string>;
}

/** An error with a code of the registry; thrown by services and rendered once, by the error handler. */
export class QuipuError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  /**
   * @param code the registry's code, which decides the HTTP status
   * @param message a full sentence that names the place and the rule
   */
  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message);
    this.name = 'QuipuError';
    this.code = code;
    this.details = details;
  }

  /** HTTP status of the code. */
  get status(): number {
    return errorRegistry[this.code].status;
  }
}
