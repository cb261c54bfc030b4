/**
 * What a benchmark is made of. A scenario measures one thing on one or several contenders, side by side: the rounds of all of
 * them are interleaved, so that a slow moment of the machine meets each, and ratios are taken within a round.
 */

/** A running system that speaks xAPI: Quipu, or a peer. */
export interface Target {
  /** Such as `Quipu` or `xapi-rs`. */
  name: string;
  /** Base of the xAPI resources, no slash at the end. */
  url: string;
  /** Value of the Authorization header. */
  authorization: string;
  /** Value of X-Experience-API-Version. */
  version: string;
}

/** What one round of load on one contender gave. */
export interface Sample {
  /** Units a second: statements, requests, rows. */
  rate: number;
  /** Latency in milliseconds, where a round has one. */
  p50?: number;
  p99?: number;
  /** Answers that were wrong: another status than expected, an id that is not there, a connection lost. */
  wrong: number;
}

/** Something that is measured: a target under a load, or a floor under the same. */
export interface Contender {
  /** Such as `Quipu`, `bare Fastify`, `bare LevelDB`, `xapi-rs`. */
  name: string;
  /** Puts load on it for about so many seconds. */
  round(seconds: number): Promise<Sample>;
}

/** One line of the results. */
export interface Figure {
  /** Such as `ingest/post-100/16-connections`: group, what, how. */
  scenario: string;
  /** The contender's name. */
  name: string;
  /** Median over the rounds. */
  value: number;
  /** Such as `statements/s`, `requests/s`, `ms`, `MB`. */
  unit: string;
  p50?: number;
  p99?: number;
  /** Quipu's value divided by this contender's (for `ms` and `MB` the other way round), median over the rounds; not on Quipu's own line. */
  ratio?: number;
  wrong: number;
  /** ISO time when it was measured. */
  at: string;
  /** What a reader has to know, in a few words: size of the store, number of rounds cut short. */
  note?: string;
}

/** A target of the project for a figure, judged in the report; timings never fail a run. */
export interface Goal {
  scenario: string;
  /** In words, such as `at least 0.45 of bare Fastify`. */
  text: string;
  /** Whether the figures of the scenario reach it; undefined when they don't tell. */
  reached(figures: readonly Figure[]): boolean | undefined;
}

/** What a scenario is given. */
export interface Bench {
  /** Under two minutes in all: few rounds, short ones, small stores. */
  quick: boolean;
  /** Statements in the store that reads are measured on: 10 thousand, 1 million or 10 million; 10 thousand when quick. */
  sizes: readonly number[];
  /** Running peers. */
  peers: readonly Target[];
  /** Empties the peers, where the command line says how; else they keep what they have. */
  emptyPeers(): Promise<void>;
  /** Folder for data of this run, kept from run to run: stores filled once are used again. */
  folder: string;
  /**
   * Measures contenders round by round, interleaved, after one short round of each that doesn't count; records a figure for
   * each. The first contender is Quipu's.
   */
  compare(scenario: string, unit: string, contenders: readonly Contender[], note?: string): Promise<readonly Figure[]>;
  /** Records a figure that no rounds gave. */
  record(figure: Omit<Figure, 'at'>): void;
  /** A line for whoever watches. */
  say(text: string): void;
}

/** A file of bench/scenarios exports one. */
export interface Scenario {
  /** First part of its figures' names, and its name for `--only`. */
  name: string;
  /** One sentence: what it measures. */
  about: string;
  goals: readonly Goal[];
  run(bench: Bench): Promise<void>;
}
