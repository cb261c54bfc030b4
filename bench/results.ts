import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Figure } from './scenario.js';
import type { Machine } from './machine.js';

/** What a results file holds. */
export interface Results {
  machine: Machine;
  /** How figures were measured; a run goes on only where these are the same. */
  how: { rounds: number; seconds: number; sizes: readonly number[] };
  /** Scenarios that came to their end. */
  finished: string[];
  figures: Figure[];
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
  const save = (): void => {
    if (file === undefined) return;
    writeFileSync(`${file}.new`, `${JSON.stringify(results, undefined, 1)}\n`);
    renameSync(`${file}.new`, file);
  };
  return {
    results,
    add: (figure) => {
      const index = results.figures.findIndex(({ scenario, name }) => scenario === figure.scenario && name === figure.name);
      if (index === -1) results.figures.push(figure);
      else results.figures[index] = figure;
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
  machine: Machine;
  how: Results['how'];
  /** What an earlier run left. */
  before: Results | undefined;
  /** Go on with the earlier run. */
  resume: boolean;
  /** Names of the scenarios that are run now. */
  chosen: readonly string[];
}

/**
 * Results to begin with. A run that goes on keeps all that the interrupted one measured; a new one keeps the figures of scenarios
 * that it doesn't run, and of stores of sizes that it doesn't fill, if they come from this machine.
 * @throws Error when a run is to go on that was begun in another way or on another machine
 */
export function beginResults({ machine, how, before, resume, chosen }: Beginning): Results {
  const fresh: Results = { machine, how, finished: [], figures: [] };
  if (!before) return fresh;
  const sameMachine = (['cpu', 'cores', 'memory', 'disk', 'node'] as const).every((part) => before.machine[part] === machine[part]);
  if (resume) {
    if (!sameMachine || JSON.stringify(before.how) !== JSON.stringify(how)) {
      throw new Error(`The run to go on from was begun on ${before.machine.cpu} with ${JSON.stringify(before.how)}, this one on ${machine.cpu} with ${JSON.stringify(how)}.`);
    }
    return before;
  }
  if (!sameMachine) return fresh;
  const isChosen = (name: string): boolean => chosen.includes(name);
  const isOfOtherSize = (size: number | undefined): boolean => size !== undefined && !how.sizes.includes(size);
  return {
    ...fresh,
    finished: before.finished.filter((name) => !isChosen(name)),
    figures: before.figures.filter(({ scenario }) => !isChosen(scenario.split('/')[0]!) || isOfOtherSize(storeSize(scenario))),
  };
}

/** Number of statements in the store of a figure, by its name; undefined where the name has none. */
function storeSize(scenario: string): number | undefined {
  const size = /(?:\/|-)(\d{5,})(?=\/|$)/.exec(scenario)?.[1];
  return size === undefined ? undefined : Number(size);
}
