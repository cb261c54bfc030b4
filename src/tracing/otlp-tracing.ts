import { AsyncLocalStorage } from 'node:async_hooks';
import { defaultTextMapGetter, diag, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, type Context, type DiagLogger, type Span } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, detectResources, envDetector, resourceFromAttributes, serviceInstanceIdDetector } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { SpanIds, Tracing } from './tracing.js';

export interface OtlpTracingOptions {
  /** Where a collector takes OTLP over HTTP, such as http://localhost:4318; `/v1/traces` is put behind it. */
  url: string;
  /** Version of the program. */
  version: string;
  role: string;
  log: { warn(details: object, message: string): void };
}

/** Milliseconds that spans have to be sent in when the program ends. */
const PATIENCE = 3000;

/**
 * Traces by OpenTelemetry, over OTLP/HTTP. The SDK reads its own variables: `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_TRACES_SAMPLER`,
 * `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES` and others. Nothing is instrumented by itself and nothing is global, so that spans
 * say what this program tells them and no more. A failure is told by the kind of error alone, whose message may quote what was sent.
 */
export function createOtlpTracing({ url, version, role, log }: OtlpTracingOptions): Tracing {
  complainThrough(log);
  const provider = new BasicTracerProvider({
    resource: defaultResource().merge(resourceFromAttributes({ 'service.name': 'quipu', 'service.version': version, 'quipu.role': role })).merge(detectResources({ detectors: [serviceInstanceIdDetector, envDetector] })),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url: `${url.replace(/\/+$/, '')}/v1/traces`, timeoutMillis: 5000 }))],
  });
  const tracer = provider.getTracer('quipu', version);
  const propagator = new W3CTraceContextPropagator();
  const contexts = new AsyncLocalStorage<Context>();

  async function run<T>(span: Span, parent: Context, work: () => Promise<T>): Promise<T> {
    try {
      return await contexts.run(trace.setSpan(parent, span), work);
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      span.setAttribute('error.type', kindOf(error));
      throw error;
    } finally {
      span.end();
    }
  }

  const span: Tracing['span'] = (name, attributes, work) => {
    const parent = contexts.getStore() ?? ROOT_CONTEXT;
    const started = tracer.startSpan(name, { attributes }, parent);
    return run(started, parent, () => work((more) => { started.setAttributes(more); }));
  };

  return {
    on: true,
    span,
    part: (name, attributes, work) => (contexts.getStore() === undefined ? work() : span(name, attributes, work)),
    request: (headers) => {
      // A request that another one holds, as in the alternate request syntax, is a part of that one.
      const parent = contexts.getStore() ?? propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter);
      const started = tracer.startSpan('request', { kind: SpanKind.SERVER }, parent);
      const inside = trace.setSpan(parent, started);
      let ended = false;
      return {
        ids: () => idsOf(inside),
        within: (work) => contexts.run(inside, work),
        end: (name, attributes, failed) => {
          if (ended) return;
          ended = true;
          started.updateName(name);
          started.setAttributes(attributes);
          if (failed) started.setStatus({ code: SpanStatusCode.ERROR });
          started.end();
        },
      };
    },
    current: () => idsOf(contexts.getStore()),
    close: async () => {
      await Promise.race([provider.shutdown().catch(() => undefined), new Promise((resolve) => setTimeout(resolve, PATIENCE).unref())]);
    },
  };
}

function idsOf(context: Context | undefined): SpanIds | undefined {
  const ids = context && trace.getSpanContext(context);
  return ids && { traceId: ids.traceId, spanId: ids.spanId };
}

/** Code of an error, or else its name. */
function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return 'error';
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : error.name;
}

/** What the SDK complains of goes to the log, once until it is something else. */
function complainThrough(log: OtlpTracingOptions['log']): void {
  let last = '';
  const complain = (message: string): void => {
    const reason = messageOf(message).slice(0, 300);
    if (reason === last) return;
    last = reason;
    log.warn({ reason }, 'Traces are not sent');
  };
  const nothing = (): void => undefined;
  const logger: DiagLogger = { error: complain, warn: complain, info: nothing, debug: nothing, verbose: nothing };
  diag.setLogger(logger, { suppressOverrideMessage: true });
}

/** The SDK puts an error into its words as the JSON of all its properties. */
function messageOf(text: string): string {
  try {
    return String((JSON.parse(text) as { message?: unknown }).message ?? text);
  } catch {
    return text;
  }
}
