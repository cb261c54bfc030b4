import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Figure } from './scenario.js';
import type { Machine } from './machine.js';

/** One call of the benchmark. */
export interface Run {
  /** When it began, ISO 8601. */
  began: string;
  machine: Machine;
  /** How figures were measured; a run goes on only where these are the same. */
  how: { rounds: number; seconds: number; sizes: readonly number[] };
}

/** A figure, and when the run began that measured it. */
export type MeasuredFigure = Figure & { run: string };

/** What a results file holds. */
export interface Results {
  /** Those that figures are left of, and the latest. */
  runs: Run[];
  /** Scenarios that came to their end. */
  finished: string[];
  figures: MeasuredFigure[];
}

/** Figures as they are measured, on disk at once, so that a run can be interrupted. */
export interface ResultsFile {
  readonly results: Results;
  /** Adds a figure, in place of one of the same scenario and name. */
  add(figure: Figure): void;
  /** Notes that a scenario came to its end. */
  finish(scenario: string): void;
}

/**
 * Opens the results of a run.
 * @param file path, or undefined for results that are only printed
 * @param begun results to begin with: none, or those of an interrupted run
 */
export function createResultsFile(file: string | undefined, begun: Results): ResultsFile {
  const results: Results = { ...begun, finished: [...begun.finished], figures: [...begun.figures] };
  const run = results.runs.at(-1)!.began;
  const save = (): void => {
    if (file === undefined) return;
    writeFileSync(`${file}.new`, `${JSON.stringify(results, undefined, 1)}\n`);
    renameSync(`${file}.new`, file);
  };
  return {
    results,
    add: (figure) => {
      const index = results.figures.findIndex(({ scenario, name }) => scenario === figure.scenario && name === figure.name);
      if (index === -1) results.figures.push({ ...figure, run });
      else results.figures[index] = { ...figure, run };
      save();
    },
    finish: (scenario) => {
      if (!results.finished.includes(scenario)) results.finished.push(scenario);
      save();
    },
  };
}

/** Results of an earlier run; undefined when there are none. */
export function readResults(file: string): Results | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Results;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** What a run begins with. */
export interface Beginning {
  run: Run;
  /** What earlier runs left. */
  before: Results | undefined;
  /** Go on with the latest of them. */
  resume: boolean;
  /** Names of the scenarios that are run now. */
  chosen: readonly string[];
}

/**
 * Results to begin with. A run that goes on keeps all that the interrupted one measured. A new one keeps the figures of scenarios that it
 * doesn't run; and of those that it runs the figures of stores of sizes that it doesn't fill, if they come from such a machine, since they are
 * compared with the new ones.
 * @throws Error when a run is to go on that was begun in another way, on another machine or with another commit of the program
 */
export function beginResults({ run, before, resume, chosen }: Beginning): Results {
  const latest = before?.runs.at(-1);
  if (!before || !latest) return { runs: [run], finished: [], figures: [] };
  if (resume) {
    if (!isSameMachine(latest, run) || latest.machine.commit !== run.machine.commit || JSON.stringify(latest.how) !== JSON.stringify(run.how)) {
      throw new Error(`The run to go on from was begun ${describeRun(latest)}, this one ${describeRun(run)}.`);
    }
    return before;
  }
  const comparable = new Set(before.runs.filter((one) => isSameMachine(one, run)).map(({ began }) => began));
  const isChosen = (name: string): boolean => chosen.includes(name);
  const isOfOtherSize = (size: number | undefined): boolean => size !== undefined && !run.how.sizes.includes(size);
  const figures = before.figures.filter((figure) => !isChosen(figure.scenario.split('/')[0]!) || (comparable.has(figure.run) && isOfOtherSize(storeSize(figure.scenario))));
  return {
    runs: [...before.runs.filter(({ began }) => figures.some((figure) => figure.run === began)), run],
    finished: before.finished.filter((name) => !isChosen(name)),
    figures,
  };
}

function isSameMachine(one: Run, other: Run): boolean {
  return (['cpu', 'cores', 'memory', 'disk', 'node'] as const).every((part) => one.machine[part] === other.machine[part]);
}

function describeRun({ machine, how }: Run): string {
  return `on ${machine.cpu} at commit ${machine.commit ?? 'unknown'} with ${JSON.stringify(how)}`;
}

/** Number of statements in the store of a figure, by its name; undefined where the name has none. */
function storeSize(scenario: string): number | undefined {
  const size = /(?:\/|-)(\d{5,})(?=\/|$)/.exec(scenario)?.[1];
  return size === undefined ? undefined : Number(size);
}
