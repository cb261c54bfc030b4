/** What a span says beside its name and times. It must hold nothing of a person and no secret: traces go to other systems. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** Adds to what a span says. */
export type Note = (attributes: SpanAttributes) => void;

/** The span of a request, while it is under way. */
export interface RequestSpan {
  ids(): SpanIds | undefined;
  /** Runs something as a part of the request; what it goes on with later is one too. */
  within<T>(work: () => T): T;
  /** Once the request is answered, or its client gone; a second time does nothing. */
  end(name: string, attributes: SpanAttributes, failed: boolean): void;
}

/** Ids that join a log line with its trace. */
export interface SpanIds {
  traceId: string;
  spanId: string;
}

/** Tells another system what the program does and how long it takes. Nothing here ever fails or waits because of that system. */
export interface Tracing {
  /** Whether anything is told. */
  readonly on: boolean;
  /** Does some work as a span: a part of the trace that is under way, or else a trace of its own. */
  span<T>(name: string, attributes: SpanAttributes, work: (note: Note) => Promise<T>): Promise<T>;
  /** Does some work as a span of the trace that is under way; when there is none, nothing is told. */
  part<T>(name: string, attributes: SpanAttributes, work: () => Promise<T>): Promise<T>;
  /** Begins the span of a request, as a part of the trace that its header `traceparent` names (W3C Trace Context). */
  request(headers: Readonly<Record<string, string | string[] | undefined>>): RequestSpan;
  /** The span that is under way. */
  current(): SpanIds | undefined;
  /** Sends what is left, for some seconds at the most. */
  close(): Promise<void>;
}

/** Tells nothing and costs nothing. */
export const noTracing: Tracing = {
  on: false,
  span: (_name, _attributes, work) => work(() => undefined),
  part: (_name, _attributes, work) => work(),
  request: () => ({ ids: () => undefined, within: (work) => work(), end: () => undefined }),
  current: () => undefined,
  close: async () => undefined,
};
