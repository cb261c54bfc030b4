import { join } from 'node:path';
import t from 'tap';
import { beginResults, createResultsFile, readResults, type Results } from '../../../bench/results.js';
import type { Figure } from '../../../bench/scenario.js';

const begun: Results = {
  machine: { cpu: 'c', cores: 2, memory: 1, disk: 'd', syncTakes: 1, system: 's', node: 'n' }, how: { rounds: 1, seconds: 1, sizes: [10] }, finished: [], figures: [],
};
const figure = (scenario: string, value: number): Figure => ({ scenario, name: 'Quipu', value, unit: 'ms', wrong: 0, at: 'now' });

t.test('each figure is on disk at once, and a run goes on from there', async (t) => {
  const path = join(t.testdir(), 'results.json');
  t.equal(readResults(path), undefined);
  const file = createResultsFile(path, begun);
  file.add(figure('a', 1));
  file.add(figure('b', 2));
  t.same(readResults(path)?.figures, [figure('a', 1), figure('b', 2)]);
  file.finish('a');
  const next = createResultsFile(path, readResults(path)!);
  t.same(next.results.finished, ['a']);
  next.add(figure('a', 3));
  next.finish('a');
  t.same(readResults(path), { ...begun, finished: ['a'], figures: [figure('a', 3), figure('b', 2)] });
  t.same(begun.figures, [], 'what it began with is left as it was');
});

t.test('without a file nothing is written', async (t) => {
  const file = createResultsFile(undefined, begun);
  file.add(figure('a', 1));
  t.equal(file.results.figures.length, 1);
});

t.test('a new run keeps the figures of scenarios that it leaves out, one that goes on keeps all', async (t) => {
  const before: Results = { ...begun, finished: ['ingest', 'reads'], figures: [figure('ingest/a', 1), figure('reads/a', 2)] };
  const { machine, how } = begun;
  t.same(beginResults({ machine, how, before: undefined, resume: true, chosen: ['ingest'] }), begun);
  t.same(beginResults({ machine, how, before, resume: true, chosen: ['ingest'] }), before);
  t.same(beginResults({ machine: { ...machine, commit: 'c', syncTakes: 2 }, how: { ...how, rounds: 9 }, before, resume: false, chosen: ['ingest'] }),
    { machine: { ...machine, commit: 'c', syncTakes: 2 }, how: { ...how, rounds: 9 }, finished: ['reads'], figures: [figure('reads/a', 2)] });
  const sized = ['reads/agent/10000', 'reads/while-storing/agent/1000000/stored', 'reads/agent/1000000', 'analytics/views-1000000/verbs', 'reads/agent'].map((name) => figure(name, 3));
  t.same(beginResults({ machine, how: { ...how, sizes: [10_000] }, before: { ...before, figures: sized }, resume: false, chosen: ['reads', 'analytics'] }).figures, sized.slice(1, 4), 'other sizes');
  t.same(beginResults({ machine: { ...machine, cores: 4 }, how, before, resume: false, chosen: ['ingest'] }).figures, [], 'another machine');
  t.throws(() => beginResults({ machine, how: { ...how, seconds: 2 }, before, resume: true, chosen: [] }), /was begun on/);
  t.throws(() => beginResults({ machine: { ...machine, cpu: 'x' }, how, before, resume: true, chosen: [] }), /was begun on/);
});
