import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { readArguments, usage, type Arguments } from './arguments.js';
import { describeMachine } from './machine.js';
import { stopAll } from './quipu.js';
import { judgeGoals, renderReport, renderTable } from './report.js';
import { createResultsFile, readResults, type Results, type ResultsFile } from './results.js';
import { figuresOf, measure } from './rounds.js';
import type { Bench, Scenario } from './scenario.js';

const names = ['ingest', 'reads', 'documents', 'analytics', 'shapes', 'resources'];
const began = performance.now();
const say = (text: string): void => void process.stderr.write(`${((performance.now() - began) / 1000).toFixed(1).padStart(7)} s  ${text}\n`);

async function loadScenarios(only: readonly string[] | undefined): Promise<Scenario[]> {
  const scenarios: Scenario[] = [];
  for (const name of only ?? names) {
    const module = await import(`./scenarios/${name}.js`) as Record<string, Scenario>;
    scenarios.push(module[name]!);
  }
  return scenarios;
}

function createBench(options: Arguments, file: ResultsFile): Bench {
  const record: Bench['record'] = (figure) => file.add({ ...figure, at: new Date().toISOString() });
  return {
    quick: options.quick, sizes: options.sizes, peers: options.peers, folder: options.folder, say, record,
    compare: async (scenario, unit, contenders, note) => {
      const there = contenders.map(({ name }) => file.results.figures.find((figure) => figure.scenario === scenario && figure.name === name));
      const known = there.flatMap((figure) => figure ?? []);
      if (known.length === contenders.length) return known;
      const measured = await measure(contenders, options.rounds, options.seconds);
      const figures = figuresOf({ scenario, unit, names: contenders.map(({ name }) => name), ...measured, at: new Date().toISOString(), note });
      for (const figure of figures) file.add(figure);
      say(`${scenario}: ${figures.map(({ name, value, ratio, wrong }) => `${name} ${Math.round(value)}${ratio === undefined ? ` ${unit}` : ` (x${ratio.toFixed(2)})`}${wrong ? ` WRONG ${wrong}` : ''}`).join(', ')}`);
      return figures;
    },
  };
}

/** Results to begin with: those of the interrupted run that is gone on with, or none. */
function begin(options: Arguments, file: string): Results {
  const how = { rounds: options.rounds, seconds: options.seconds, sizes: options.sizes };
  const before = options.resume ? readResults(file) : undefined;
  if (before && JSON.stringify(before.how) !== JSON.stringify(how)) {
    throw new Error(`The run in ${file} was begun with ${JSON.stringify(before.how)}, so that this one can't go on from it with ${JSON.stringify(how)}.`);
  }
  return before ?? { machine: describeMachine(options.folder), how, finished: [], figures: [] };
}

async function run(options: Arguments): Promise<boolean> {
  await mkdir(options.folder, { recursive: true });
  const path = 'bench/results.json';
  const scenarios = await loadScenarios(options.only);
  const file = createResultsFile(options.quick ? undefined : path, begin(options, path));
  const bench = createBench(options, file);
  let failed = false;
  for (const scenario of scenarios) {
    if (file.results.finished.includes(scenario.name)) continue;
    say(`${scenario.name}: ${scenario.about}`);
    try {
      await scenario.run(bench);
      file.finish(scenario.name);
    } catch (error) {
      failed = true;
      say(`${scenario.name} failed: ${(error as Error).stack}`);
    } finally {
      await stopAll();
    }
  }
  const { results } = file;
  process.stdout.write(renderTable(results.figures));
  for (const { text, scenario, reached } of judgeGoals(scenarios, results.figures)) {
    process.stdout.write(`${reached === undefined ? 'unknown    ' : reached ? 'reached    ' : 'not reached'}  ${scenario}: ${text}\n`);
  }
  if (!options.quick) await writeReport(results, scenarios);
  const wrong = results.figures.filter((figure) => figure.wrong > 0);
  for (const figure of wrong) say(`${figure.wrong} wrong answers: ${figure.scenario}, ${figure.name}`);
  return !failed && wrong.length === 0;
}

async function writeReport(results: Results, scenarios: readonly Scenario[]): Promise<void> {
  const { markdown, plots } = renderReport(results, scenarios);
  await mkdir('bench/results', { recursive: true });
  for (const [name, svg] of plots) await writeFile(join('bench/results', name), svg);
  await writeFile('bench/results.md', markdown);
  say('bench/results.md is written.');
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    say('Interrupted; --resume goes on from here.');
    void stopAll().finally(() => process.exit(130));
  });
}

let options: Arguments;
try {
  options = readArguments(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n\n${usage}\n`);
  process.exit(2);
}
const right = await run({ ...options, folder: resolve(options.folder) });
process.exit(right ? 0 : 1);
