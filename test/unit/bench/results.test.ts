import { join } from 'node:path';
import t from 'tap';
import { createResultsFile, readResults, type Results } from '../../../bench/results.js';
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
