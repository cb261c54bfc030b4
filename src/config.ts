import { resolve } from 'node:path';
import { Ajv, type ErrorObject } from 'ajv';

const KIB = 1024;
const MIB = 1024 * KIB;
const bytes = (value: number, description: string) => ({ type: 'integer', minimum: KIB, default: value, description }) as const;

/**
 * Every setting of Quipu: its name in the environment, and its JSON Schema, with `description` for the docs. `docs/configuration.md` is tested against this list. Nothing else in the program reads the environment.
 */
export const settings = {
  QUIPU_HOST: { type: 'string', minLength: 1, default: '127.0.0.1', description: 'Address to listen on.' },
  QUIPU_PORT: { type: 'integer', minimum: 0, maximum: 65535, default: 8080, description: 'Port to listen on; 0 takes any free one.' },
  QUIPU_DATA_DIR: { type: 'string', minLength: 1, default: './data', description: 'Folder of the embedded store, its attachments and the private socket.' },
  QUIPU_KEY: { type: 'string', minLength: 1, maxLength: 128, pattern: '^[^:]*$', description: 'Key of the first credential, with every scope, of the tenant `default`; made and printed once when not given.' },
  QUIPU_SECRET: { type: 'string', minLength: 8, description: 'Secret of the first credential.' },
  QUIPU_PUBLIC_URL: { type: 'string', pattern: '^https?://[^\\s?#]+$', description: 'The URL under which clients reach the server, with the path that a reverse proxy puts before it; from the address when not given.' },
  QUIPU_DEFAULT_VERSION: { type: 'string', enum: ['1.0.3', '2.0.0'], default: '2.0.0', description: 'The version that an answer names when the request named none.' },
  QUIPU_TRUST_PROXY: { type: 'boolean', default: false, description: 'Believe the X-Forwarded-* headers: only behind a reverse proxy that sets them.' },
  QUIPU_LOG_LEVEL: { type: 'string', enum: ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], default: 'info', description: 'Least level of log lines (JSON on standard error).' },
  QUIPU_OTEL_URL: { type: 'string', pattern: '^https?://[^\\s?#@]+$', description: 'Collector that traces are sent to by OTLP over HTTP, such as http://localhost:4318; none are made when not given. Credentials go into OTEL_EXPORTER_OTLP_HEADERS.' },
  QUIPU_MAX_BODY_BYTES: bytes(32 * MIB, 'Most bytes of a request body after decompression, attachments not counted.'),
  QUIPU_MAX_BATCH: { type: 'integer', minimum: 1, maximum: 100_000, default: 10_000, description: 'Most statements of one request.' },
  QUIPU_MAX_ATTACHMENT_BYTES: bytes(512 * MIB, 'Most bytes of one attachment.'),
  QUIPU_MAX_ATTACHMENTS: { type: 'integer', minimum: 1, maximum: 10_000, default: 1000, description: 'Most attachments of one request.' },
  QUIPU_MAX_DOCUMENT_BYTES: bytes(16 * MIB, 'Most bytes of a State or Profile document.'),
  QUIPU_MAX_DEPTH: { type: 'integer', minimum: 16, maximum: 100, default: 64, description: 'Deepest nesting of JSON.' },
  QUIPU_MAX_HEADER_BYTES: bytes(64 * KIB, 'Most bytes of the request line and headers together.'),
  QUIPU_MAX_PAGE: { type: 'integer', minimum: 1, maximum: 10_000, default: 500, description: 'Most statements of one answer; what `limit=0` means.' },
  QUIPU_MAX_PAGE_BYTES: bytes(8 * MIB, 'Most bytes of statements in one answer; the rest follows by `more`.'),
  QUIPU_MAX_MEMORY_BYTES: bytes(512 * MIB, 'Most bytes of request bodies held at once, and as many again of answers that wait for slow readers; above it requests are answered 503.'),
  QUIPU_THREADS: { type: 'integer', minimum: 0, maximum: 32, description: 'Threads that read and judge long requests beside the main one; one less than there are processors, and at most 4, when not given.' },
  QUIPU_REQUEST_TIMEOUT: { type: 'integer', minimum: 1, default: 300, description: 'Seconds within which a request must have arrived whole.' },
  QUIPU_MIN_FREE_BYTES: { type: 'integer', minimum: 0, default: 64 * MIB, description: 'Free disk space below which nothing more is taken in (507).' },
  QUIPU_JWT_SECRET: { type: 'string', minLength: 32, description: 'Shared secret of Bearer tokens (HS256, HS384, HS512).' },
  QUIPU_JWT_PUBLIC_KEY: { type: 'string', description: 'Public key or certificate (PEM) of Bearer tokens (RS* or ES*).' },
  QUIPU_JWT_ISSUER: { type: 'string', description: 'The `iss` that a Bearer token must have.' },
  QUIPU_JWT_AUDIENCE: { type: 'string', description: 'The `aud` that a Bearer token must have.' },
  QUIPU_JWT_ALLOW_ADMIN: { type: 'boolean', default: false, description: 'Let Bearer tokens carry the scope `admin`.' },
  QUIPU_MONGODB_URL: { type: 'string', pattern: '^mongodb(\\+srv)?://\\S+$', description: 'MongoDB that several processes may share, such as mongodb://user:password@localhost:27017/quipu; the embedded store when not given.' },
  QUIPU_S3_BUCKET: { type: 'string', minLength: 3, maxLength: 63, description: 'Bucket of S3 that holds attachments, beside QUIPU_MONGODB_URL; they are in the database when not given.' },
  QUIPU_S3_URL: { type: 'string', pattern: '^https?://[^\\s?#]+$', description: "Server that speaks S3, such as http://localhost:9000; Amazon's when not given." },
  QUIPU_S3_REGION: { type: 'string', minLength: 1, description: 'Region of the bucket; where the AWS SDK looks for it when not given.' },
  QUIPU_REDIS_URL: { type: 'string', pattern: '^rediss?://\\S+$', description: 'Redis through which processes wake each other, such as redis://user:password@localhost:6379/0; each wakes itself when not given.' },
  QUIPU_ROLE: { type: 'string', enum: ['all', 'api', 'worker'], default: 'all', description: 'all: takes requests and runs consumers and other work in the background. api: takes requests alone. worker: runs that work alone. api and worker take QUIPU_MONGODB_URL.' },
  QUIPU_CONTENT_PORT: { type: 'integer', minimum: 0, maximum: 65535, description: 'Port that serves the files of courses, on an origin of its own; 0 takes any free one. One above QUIPU_PORT when not given, any free one where that is 0.' },
  QUIPU_CONTENT_URL: { type: 'string', pattern: '^https?://[^\\s?#]+$', description: 'The URL under which browsers reach the files of courses; a * in its host name stands for a label by which each package has a host of its own; from the address when not given.' },
  QUIPU_CMI5_STATE_GRACE: { type: 'integer', minimum: 0, maximum: 300, default: 5, description: 'Seconds after terminated for which content may still write its State.' },
  QUIPU_CMI5_IDLE: { type: 'integer', minimum: 60, default: 14_400, description: 'Seconds without a statement after which a session counts as abandoned.' },
  QUIPU_MAX_PACKAGE_BYTES: bytes(4096 * MIB, 'Most bytes of a course package.'),
  QUIPU_ANALYTICS: { type: 'string', enum: ['auto', 'off'], default: 'auto', description: 'auto: every statement goes to ClickHouse, the server of QUIPU_CLICKHOUSE_URL or else the embedded engine where it is installed. off: none does.' },
  QUIPU_CLICKHOUSE_PORT: { type: 'integer', minimum: 0, maximum: 65535, description: 'Port that has /clickhouse at its root, for BI tools that take no path; none when not given.' },
  QUIPU_CLICKHOUSE_URL: { type: 'string', pattern: '^https?://[^\\s?#]+$', description: 'ClickHouse server for analytics, such as http://user:password@localhost:8123; the embedded engine when not given.' },
  QUIPU_ANALYTICS_MEMORY_BYTES: { type: 'integer', minimum: 256 * MIB, default: 2048 * MIB, description: 'Most bytes that the statements of the embedded engine take together; at half as much again its process is started anew.' },
  QUIPU_ANALYTICS_QUERY_BYTES: { type: 'integer', minimum: 16 * MIB, default: 1024 * MIB, description: 'Most bytes of memory of one analytics query.' },
  QUIPU_ANALYTICS_TIMEOUT: { type: 'integer', minimum: 1, maximum: 3600, default: 60, description: 'Seconds after which an analytics query is ended.' },
} as const;

/** The settings as the program uses them; sizes in bytes, times in seconds. */
export interface Config {
  readonly host: string;
  readonly port: number;
  /** Absolute path. */
  readonly dataDir: string;
  readonly key?: string;
  readonly secret?: string;
  /** Without a slash at the end. */
  readonly publicUrl?: string;
  readonly defaultVersion: '1.0.3' | '2.0.0';
  readonly trustProxy: boolean;
  readonly logLevel: string;
  /** Without credentials; no traces when not given. */
  readonly otelUrl?: string;
  readonly maxBodyBytes: number;
  readonly maxBatch: number;
  readonly maxAttachmentBytes: number;
  readonly maxAttachments: number;
  readonly maxDocumentBytes: number;
  readonly maxDepth: number;
  readonly maxHeaderBytes: number;
  readonly maxPage: number;
  readonly maxPageBytes: number;
  readonly maxMemoryBytes: number;
  /** As the processors have it when not given. */
  readonly threads?: number;
  readonly requestTimeout: number;
  readonly minFreeBytes: number;
  readonly jwtSecret?: string;
  readonly jwtPublicKey?: string;
  readonly jwtIssuer?: string;
  readonly jwtAudience?: string;
  readonly jwtAllowAdmin: boolean;
  /** With its credentials; the embedded store when not given. */
  readonly mongodbUrl?: string;
  readonly s3Bucket?: string;
  readonly s3Url?: string;
  readonly s3Region?: string;
  /** With its credentials. */
  readonly redisUrl?: string;
  readonly role: 'all' | 'api' | 'worker';
  /** Port of the files of courses. */
  readonly contentPort: number;
  /** Without a slash at the end; from the address when not given. */
  readonly contentUrl?: string;
  /** Seconds. */
  readonly cmi5StateGrace: number;
  /** Seconds. */
  readonly cmi5Idle: number;
  readonly maxPackageBytes: number;
  readonly analytics: 'auto' | 'off';
  /** With its credentials. */
  readonly clickhouseUrl?: string;
  /** Port of the SQL interface; none when not given. */
  readonly clickhousePort?: number;
  readonly analyticsMemoryBytes: number;
  readonly analyticsQueryBytes: number;
  readonly analyticsTimeout: number;
  /** Variables that begin with QUIPU_ and mean nothing, for a warning. */
  readonly unknown: readonly string[];
}

/**
 * Reads the settings.
 * @throws Error with a sentence that names the setting at fault and what it takes
 */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([name, value]) => name.startsWith('QUIPU_') && value !== ''));
  const values: Record<string, unknown> = { ...given };
  // A test says that the settings are a schema: to ask that at each start would take longer than all else here.
  const ajv = new Ajv({ removeAdditional: true, useDefaults: true, coerceTypes: true, validateSchema: false });
  const validate = ajv.compile({ type: 'object', properties: settings, additionalProperties: false });
  if (!validate(values)) throw new Error(explain(validate.errors![0]!, given));
  if ((values.QUIPU_KEY === undefined) !== (values.QUIPU_SECRET === undefined)) {
    throw new Error('QUIPU_KEY and QUIPU_SECRET go together: set both, or none to have them made.');
  }
  if (values.QUIPU_ROLE !== 'all' && values.QUIPU_MONGODB_URL === undefined) {
    throw new Error(`QUIPU_ROLE=${String(values.QUIPU_ROLE)} takes QUIPU_MONGODB_URL: the embedded store is opened by one process, which has to do everything (QUIPU_ROLE=all).`);
  }
  if (values.QUIPU_S3_BUCKET !== undefined && values.QUIPU_MONGODB_URL === undefined) {
    throw new Error('QUIPU_S3_BUCKET takes QUIPU_MONGODB_URL: the embedded store keeps attachments in the data folder.');
  }
  const config: Record<string, unknown> = { unknown: Object.keys(given).filter((name) => !(name in settings) && !ofOthers.test(name)) };
  for (const name of Object.keys(settings)) {
    const property = name.slice('QUIPU_'.length).toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
    if (values[name] !== undefined) config[property] = values[name];
  }
  config.dataDir = resolve(String(config.dataDir));
  for (const name of ['publicUrl', 'contentUrl']) if (typeof config[name] === 'string') config[name] = config[name].replace(/\/+$/, '');
  if (/\/xapi$/.test(String(config.publicUrl ?? ''))) throw new Error(`QUIPU_PUBLIC_URL=${String(config.publicUrl)} ends with /xapi, which Quipu adds itself: set it without.`);
  if (config.publicUrl !== undefined && config.contentUrl !== undefined && new URL(String(config.publicUrl)).origin === originOf(String(config.contentUrl))) {
    throw new Error('QUIPU_CONTENT_URL and QUIPU_PUBLIC_URL have the same origin: content of courses would act in the name of whoever is signed in at the server. Give it a host or port of its own.');
  }
  config.contentPort ??= config.port === 0 || config.port === 65_535 ? 0 : Number(config.port) + 1;
  return Object.freeze(config) as unknown as Config;
}

/** The origin of a URL whose host may have a `*`; undefined for one that is none. */
function originOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).origin : undefined;
}

/** Variables of the command line and of the tests. */
const ofOthers = /^QUIPU_(?:CLI|SOURCE|FUZZ|MODEL|SCALE|KILL|TEST)/;

const secretNames: ReadonlySet<string> = new Set(['QUIPU_SECRET', 'QUIPU_JWT_SECRET', 'QUIPU_CLICKHOUSE_URL', 'QUIPU_MONGODB_URL', 'QUIPU_REDIS_URL']);

function explain(fault: ErrorObject, given: Record<string, unknown>): string {
  const name = fault.instancePath.slice(1);
  const shown = secretNames.has(name) ? 'The value of' : `${JSON.stringify(given[name])} for`;
  const choices = fault.params['allowedValues'] as string[] | undefined;
  const allowed = choices ? `: ${choices.join(', ')}` : '';
  const { description } = settings[name as keyof typeof settings];
  return `${shown} the setting ${name} can't be used: it ${fault.message}${allowed}. ${name} is: ${description}`;
}
