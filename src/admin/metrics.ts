import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What the server counts, for Prometheus. */
export interface Metrics {
  registry: Registry;
  /** One answered HTTP request. @param seconds from its arrival to the end of its answer */
  request(method: string, route: string, status: number, seconds: number): void;
  /** Statements by what became of them. */
  statements(outcome: 'stored' | 'duplicate' | 'refused', count: number): void;
}

/** How far a consumer of the feed is behind, over all tenants. */
export interface ConsumerLag {
  name: string;
  statements: number;
  /** Of the tenant that is furthest behind. */
  seconds: number;
}

/**
 * @param head highest position in the store, asked at every scrape
 * @param lags the consumers of the feed, asked at every scrape
 * @returns metrics with a registry of their own, those of the process included
 */
export function createMetrics({ head, lags = () => Promise.resolve([]) }: { head: () => Promise<number>; lags?: () => Promise<ConsumerLag[]> }): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: 'quipu_http_requests_total', help: 'Answered HTTP requests', labelNames: ['method', 'route', 'status'], registers,
  });
  const durations = new Histogram({
    name: 'quipu_http_request_duration_seconds', help: 'Time from the arrival of a request to the end of its answer', labelNames: ['method', 'route'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10], registers,
  });
  const statements = new Counter({
    name: 'quipu_statements_total', help: 'Statements received, by what became of them', labelNames: ['outcome'], registers,
  });
  for (const outcome of ['stored', 'duplicate', 'refused']) statements.inc({ outcome }, 0);
  new Gauge({
    name: 'quipu_feed_head', help: 'Position of the newest entry in the store', registers,
    async collect() {
      this.set(await head());
    },
  });
  const lagGauges = [
    ['quipu_consumer_lag_statements', 'Statements that a consumer has not dealt with', 'statements'],
    ['quipu_consumer_lag_seconds', 'Seconds since the oldest statement was stored that a consumer has not dealt with', 'seconds'],
  ] as const;
  for (const [name, help, figure] of lagGauges) {
    new Gauge({
      name, help, labelNames: ['consumer'], registers,
      async collect() {
        for (const lag of await lags()) this.set({ consumer: lag.name }, lag[figure]);
      },
    });
  }
  return {
    registry,
    request(method, route, status, seconds) {
      requests.inc({ method, route, status });
      durations.observe({ method, route }, seconds);
    },
    statements: (outcome, count) => statements.inc({ outcome }, count),
  };
}
