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
