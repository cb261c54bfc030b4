import { join } from 'node:path';
import t from 'tap';
import { beginResults, createResultsFile, readResults, type MeasuredFigure, type Results, type Run } from '../../../bench/results.js';
import type { Figure } from '../../../bench/scenario.js';

const run: Run = {
  began: '2026-01-02T03:04:05.000Z', machine: { cpu: 'c', cores: 2, memory: 1, disk: 'd', syncTakes: 1, system: 's', node: 'n', commit: 'a' }, how: { rounds: 1, seconds: 1, sizes: [10] },
};
const begun: Results = { runs: [run], finished: [], figures: [] };
const figure = (scenario: string, value: number): Figure => ({ scenario, name: 'Quipu', value, unit: 'ms', wrong: 0, at: 'now' });
const measured = (scenario: string, value: number, by = run): MeasuredFigure => ({ ...figure(scenario, value), run: by.began });

t.test('each figure is on disk at once, and a run goes on from there', async (t) => {
  const path = join(t.testdir(), 'results.json');
  t.equal(readResults(path), undefined);
  const file = createResultsFile(path, begun);
  file.add(figure('a', 1));
  file.add(figure('b', 2));
  t.same(readResults(path)?.figures, [measured('a', 1), measured('b', 2)]);
  file.finish('a');
  const next = createResultsFile(path, readResults(path)!);
  t.same(next.results.finished, ['a']);
  next.add(figure('a', 3));
  next.finish('a');
  t.same(readResults(path), { ...begun, finished: ['a'], figures: [measured('a', 3), measured('b', 2)] });
  t.same(begun.figures, [], 'what it began with is left as it was');
});

t.test('without a file nothing is written', async (t) => {
  const file = createResultsFile(undefined, begun);
  file.add(figure('a', 1));
  t.equal(file.results.figures.length, 1);
});

t.test('a new run keeps the figures of scenarios that it leaves out, one that goes on keeps all', async (t) => {
  const before: Results = { ...begun, finished: ['ingest', 'reads'], figures: [measured('ingest/a', 1), measured('reads/a', 2)] };
  t.same(beginResults({ run, before: undefined, resume: true, chosen: ['ingest'] }), begun);
  t.same(beginResults({ run: { ...run, began: 'later' }, before, resume: true, chosen: ['ingest'] }), before);
  const next: Run = { began: '2026-01-03T03:04:05.000Z', machine: { ...run.machine, commit: 'b', syncTakes: 2 }, how: { ...run.how, rounds: 9 } };
  const begunNext = beginResults({ run: next, before, resume: false, chosen: ['ingest'] });
  t.same(begunNext, { runs: [run, next], finished: ['reads'], figures: [measured('reads/a', 2)] });
  const file = createResultsFile(undefined, begunNext);
  file.add(figure('ingest/a', 4));
  t.same(file.results.figures, [measured('reads/a', 2), measured('ingest/a', 4, next)], 'each names its run');
  t.same(beginResults({ run: { ...next, began: 'third' }, before: file.results, resume: false, chosen: ['reads'] }).runs.map(({ began }) => began), [next.began, 'third'], 'runs of which nothing is left are forgotten');
});

t.test('what is compared within a scenario comes from such machines alone', async (t) => {
  const sized = ['reads/agent/10000', 'reads/while-storing/agent/1000000/stored', 'reads/agent/1000000', 'analytics/views-1000000/verbs', 'reads/agent', 'cmi5/launch'].map((name) => measured(name, 3));
  const next: Run = { ...run, began: 'later', how: { ...run.how, sizes: [10_000] } };
  const before: Results = { ...begun, figures: sized };
  const chosen = ['reads', 'analytics'];
  t.same(beginResults({ run: next, before, resume: false, chosen }).figures, [...sized.slice(1, 4), sized[5]], 'other sizes are kept');
  t.same(beginResults({ run: { ...next, machine: { ...run.machine, cores: 4 } }, before, resume: false, chosen }).figures, [sized[5]], 'not those of another machine');
});

t.test('a run goes on only as it was begun', async (t) => {
  const resume = (other: Partial<Run>): unknown => beginResults({ run: { ...run, ...other }, before: begun, resume: true, chosen: [] });
  t.throws(() => resume({ how: { ...run.how, seconds: 2 } }), /was begun on c at commit a with .*"seconds":1/);
  t.throws(() => resume({ machine: { ...run.machine, cpu: 'x' } }), /was begun on c at commit a .* this one on x/);
  t.throws(() => resume({ machine: { ...run.machine, commit: 'b' } }), /at commit a .* at commit b/);
});
