import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What the server counts, for Prometheus; each process for itself. */
export interface Metrics {
  registry: Registry;
  /** One answered HTTP request. @param seconds from its arrival to the end of its answer */
  request(method: string, route: string, status: number, seconds: number): void;
  /** Statements by what became of them. */
  statements(outcome: 'stored' | 'duplicate' | 'refused', count: number): void;
  /** One call of the store, such as `statements.append`. @param failure code of the error, when the store was at fault */
  storeOperation(operation: string, seconds: number, failure?: string): void;
  /** An append or erasure that another process, or a failure, had left: brought to its end, or taken back. */
  settled(outcome: 'finished' | 'rolled-back'): void;
  /** One run of a job. */
  job(name: string, outcome: 'done' | 'more' | 'failed'): void;
  /** A credential that was found good, by what that took. */
  credential(how: 'remembered' | 'confirmed' | 'checked'): void;
  /** What happened in a session of cmi5. */
  cmi5(event: 'launch' | 'refusal' | 'finding' | 'expected'): void;
}

/** What a consumer of the feed has still to do, over all tenants. */
export interface ConsumerLag {
  name: string;
  statements: number;
  /** Of the tenant that is furthest behind. */
  seconds: number;
  /** Entries put aside. */
  deadLetters: number;
}

/** What is asked at a scrape. What fails or does not answer within two seconds is left out of that scrape. */
export interface MetricSources {
  /** Highest position in the store. */
  head(): Promise<number>;
  /** The consumers of the feed. */
  lags?(): Promise<ConsumerLag[]>;
  /** Whether the store takes writes, as far as is known. */
  storeAvailable?(): boolean;
  /** Whether Redis does what it is asked; undefined where none is used. */
  redisAvailable?(): boolean | undefined;
}

const latencies = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Milliseconds that a source has to answer in. */
const patience = 2000;

/** @returns metrics with a registry of their own, those of the process included */
export function createMetrics({ head, lags = () => Promise.resolve([]), storeAvailable = () => true, redisAvailable = () => undefined }: MetricSources): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: 'quipu_http_requests_total', help: 'Answered HTTP requests', labelNames: ['method', 'route', 'status'], registers,
  });
  const durations = new Histogram({
    name: 'quipu_http_request_duration_seconds', help: 'Time from the arrival of a request to the end of its answer', labelNames: ['method', 'route'], buckets: latencies, registers,
  });
  const statements = new Counter({ name: 'quipu_statements_total', help: 'Statements received, by what became of them', labelNames: ['outcome'], registers });
  for (const outcome of ['stored', 'duplicate', 'refused']) statements.inc({ outcome }, 0);
  const operations = new Histogram({
    name: 'quipu_store_operation_duration_seconds', help: 'Time that a call of the store took, however it ended', labelNames: ['operation'], buckets: latencies, registers,
  });
  const failures = new Counter({ name: 'quipu_store_failures_total', help: 'Calls that the store failed at, by the code of the error', labelNames: ['operation', 'code'], registers });
  const settled = new Counter({
    name: 'quipu_store_settled_total', help: 'Appends and erasures that a process or a failure had left unfinished, by what this process did about them', labelNames: ['outcome'], registers,
  });
  for (const outcome of ['finished', 'rolled-back']) settled.inc({ outcome }, 0);
  const jobs = new Counter({ name: 'quipu_job_runs_total', help: 'Runs of jobs in this process, by how they ended', labelNames: ['job', 'outcome'], registers });
  const credentials = new Counter({ name: 'quipu_credentials_total', help: 'Credentials found good: remembered, confirmed by a look at the key, or checked by a hash', labelNames: ['how'], registers });
  for (const how of ['remembered', 'confirmed', 'checked']) credentials.inc({ how }, 0);
  const cmi5 = new Counter({ name: 'quipu_cmi5_events_total', help: 'Launches, and requests of content that broke a rule: refused, refused as is to be expected when a page is left, or taken in with a finding', labelNames: ['event'], registers });
  for (const event of ['launch', 'refusal', 'expected', 'finding']) cmi5.inc({ event }, 0);

  new Gauge({
    name: 'quipu_store_available', help: '1 while the store takes writes, otherwise 0', registers,
    collect() {
      this.set(storeAvailable() ? 1 : 0);
    },
  });
  new Gauge({
    name: 'quipu_redis_available', help: '1 while Redis does what it is asked, otherwise 0; missing where none is used', registers,
    collect() {
      const available = redisAvailable();
      if (available === undefined) this.remove();
      else this.set(available ? 1 : 0);
    },
  });
  new Gauge({
    name: 'quipu_feed_head', help: 'Position of the newest entry in the store', registers,
    async collect() {
      const position = await answered(head);
      if (position === undefined) this.remove();
      else this.set(position);
    },
  });
  gaugesOfConsumers(registers, lags);
  return {
    registry,
    request(method, route, status, seconds) {
      requests.inc({ method, route, status });
      durations.observe({ method, route }, seconds);
    },
    statements: (outcome, count) => statements.inc({ outcome }, count),
    storeOperation(operation, seconds, failure) {
      operations.observe({ operation }, seconds);
      if (failure !== undefined) failures.inc({ operation, code: failure });
    },
    settled: (outcome) => settled.inc({ outcome }),
    job: (job, outcome) => jobs.inc({ job, outcome }),
    credential: (how) => credentials.inc({ how }),
    cmi5: (event) => cmi5.inc({ event }),
  };
}

function gaugesOfConsumers(registers: Registry[], lags: () => Promise<ConsumerLag[]>): void {
  /** One look at the consumers serves all gauges of a scrape. */
  let looking: Promise<ConsumerLag[] | undefined> | undefined;
  const look = (): Promise<ConsumerLag[] | undefined> => looking ??= answered(lags).finally(() => { looking = undefined; });
  const gauges = [
    ['quipu_consumer_lag_statements', 'Statements that a consumer has not dealt with', 'statements'],
    ['quipu_consumer_lag_seconds', 'Seconds since the oldest statement was stored that a consumer has not dealt with', 'seconds'],
    ['quipu_consumer_dead_letters', 'Entries of the feed that a consumer has put aside', 'deadLetters'],
  ] as const;
  for (const [name, help, figure] of gauges) {
    new Gauge({
      name, help, labelNames: ['consumer'], registers,
      async collect() {
        const known = await look();
        this.reset();
        for (const lag of known ?? []) this.set({ consumer: lag.name }, lag[figure]);
      },
    });
  }
}

/** What a source says, unless it fails or takes too long. */
async function answered<T>(source: () => Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => { timer = setTimeout(() => resolve(undefined), patience); });
  try {
    return await Promise.race([source().catch(() => undefined), late]);
  } finally {
    clearTimeout(timer);
  }
}
