import { spawn } from 'node:child_process';
import type { Arguments } from './arguments.js';
import { formatNumber } from './report.js';
import type { ResultsFile } from './results.js';
import { figuresOf, measure, quiet } from './rounds.js';
import type { Bench, Figure } from './scenario.js';

/** How long what one round has left to be done is waited for, in lengths of a round. */
const PATIENCE = { quick: 2, full: 15 };

/** What scenarios are given: figures go into the results at once, and those that are there already are not measured again. */
export function createBench(options: Arguments, file: ResultsFile, say: (text: string) => void): Bench {
  const { quick, sizes, peers, folder, rounds, seconds } = options;
  return {
    quick, sizes, peers, folder, say,
    emptyPeers: async () => {
      if (options.emptyPeers) await runCommand(options.emptyPeers);
    },
    record: (figure) => file.add({ ...figure, at: new Date().toISOString() }),
    compare: async (scenario, unit, contenders, note) => {
      const known = contenders.flatMap(({ name }) => file.results.figures.find((figure) => figure.scenario === scenario && figure.name === name) ?? []);
      if (known.length === contenders.length) return known;
      const measured = await measure(contenders, rounds, seconds, () => quiet(PATIENCE[quick ? 'quick' : 'full'] * seconds));
      const figures = figuresOf({ scenario, unit, names: contenders.map(({ name }) => name), ...measured, at: new Date().toISOString(), note });
      for (const figure of figures) file.add(figure);
      say(`${scenario}: ${figures.map(describe).join(', ')}`);
      return figures;
    },
  };
}

/** Doesn't wait for servers that the command leaves running, whatever they do with its standard error. */
function runCommand(command: string): Promise<void> {
  return new Promise((resolve, reject) => {
    spawn('sh', ['-c', command], { stdio: ['ignore', 'ignore', 'inherit'] }).once('error', reject)
      .once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${command} ended with ${code}`))));
  });
}

function describe({ name, value, unit, ratio, wrong }: Figure): string {
  return `${name} ${formatNumber(value)} ${unit}${ratio === undefined ? '' : ` (${formatNumber(ratio)})`}${wrong ? `, ${wrong} WRONG` : ''}`;
}
