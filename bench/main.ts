import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { readArguments, usage, type Arguments } from './arguments.js';
import { createBench } from './bench.js';
import { describeMachine } from './machine.js';
import { stopAll } from './quipu.js';
import { judgeGoals, renderReport, renderTable } from './report.js';
import { beginResults, createResultsFile, readResults, type Results } from './results.js';
import type { Scenario } from './scenario.js';
import { analytics } from './scenarios/analytics.js';
import { cmi5 } from './scenarios/cmi5.js';
import { documents } from './scenarios/documents.js';
import { ingest } from './scenarios/ingest.js';
import { reads } from './scenarios/reads.js';
import { resources } from './scenarios/resources.js';
import { shapes } from './scenarios/shapes.js';

/** What is measured, in this order. */
const scenarios: readonly Scenario[] = [ingest, reads, documents, cmi5, analytics, shapes, resources];
const resultsFile = 'bench/results.json';
const began = performance.now();
let interrupted = false;
const say = (text: string): void => void process.stderr.write(`${((performance.now() - began) / 1000).toFixed(1).padStart(7)} s  ${text}\n`);

/** @returns whether every scenario came to its end and every answer was right; what a peer answers wrongly is told and is its own affair */
async function run(options: Arguments): Promise<boolean> {
  await mkdir(options.folder, { recursive: true });
  const chosen = scenarios.filter(({ name }) => options.only?.includes(name) ?? true);
  const how = { rounds: options.rounds, seconds: options.seconds, sizes: options.sizes };
  const thisRun = { began: new Date().toISOString(), machine: describeMachine(options.folder), how };
  const file = createResultsFile(options.quick ? undefined : resultsFile, beginResults({
    run: thisRun, before: options.quick ? undefined : readResults(resultsFile), resume: options.resume, chosen: chosen.map(({ name }) => name),
  }));
  const bench = createBench(options, file, say);
  let failed = false;
  for (const scenario of chosen) {
    if (file.results.finished.includes(scenario.name)) continue;
    say(`${scenario.name}: ${scenario.about}`);
    const since = performance.now();
    try {
      await scenario.run(bench);
      file.finish(scenario.name);
      say(`${scenario.name} took ${Math.round((performance.now() - since) / 1000)} s`);
    } catch (error) {
      // What was running is being stopped, which ends the process.
      if (interrupted) return new Promise(() => undefined);
      failed = true;
      say(`${scenario.name} failed: ${(error as Error).stack}`);
    } finally {
      await stopAll();
    }
  }
  const { results } = file;
  process.stdout.write(renderTable(results.figures));
  // What half a second tells is no measure of a goal.
  for (const { text, scenario, reached } of options.quick ? [] : judgeGoals(chosen, results.figures)) {
    process.stdout.write(`${reached === undefined ? 'not measured' : reached ? 'reached' : 'NOT REACHED'}: ${scenario}, ${text}\n`);
  }
  if (!options.quick) await writeReport(results);
  const wrong = results.figures.filter((figure) => figure.wrong > 0);
  for (const figure of wrong) say(`${figure.wrong} wrong answers: ${figure.scenario}, ${figure.name}`);
  return !failed && wrong.every(({ name }) => options.peers.some((peer) => peer.name === name));
}

async function writeReport(results: Results): Promise<void> {
  const { markdown, plots } = renderReport(results, scenarios);
  await mkdir('bench/results', { recursive: true });
  for (const [name, svg] of plots) await writeFile(join('bench/results', name), svg);
  await writeFile('bench/results.md', markdown);
  say('bench/results.md is written.');
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    interrupted = true;
    say('Interrupted; --resume goes on from here.');
    void stopAll().finally(() => process.exit(130));
  });
}

if (process.argv.includes('--help')) {
  process.stdout.write(`${usage}\n`);
  process.exit(0);
}
let options: Arguments;
try {
  options = readArguments(process.argv.slice(2), scenarios.map(({ name }) => name));
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n\n${usage}\n`);
  process.exit(2);
}
const right = await run({ ...options, folder: resolve(options.folder) });
process.exit(right ? 0 : 1);
