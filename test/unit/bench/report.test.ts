import t, { type Test } from 'tap';
import { barPlot, linePlot } from '../../../bench/plot.js';
import { formatNumber, judgeGoals, renderReport, renderTable } from '../../../bench/report.js';
import type { Results, Run } from '../../../bench/results.js';
import type { Figure } from '../../../bench/scenario.js';

const figure = (scenario: string, name: string, value: number, rest: Partial<Figure> = {}): Figure => ({ scenario, name, value, unit: 'statements/s', wrong: 0, at: '2026-01-02T03:04:05.000Z', ...rest });

/** Every element is closed in order, every attribute is quoted, nothing else has a bracket or a bare ampersand; no number is missing. */
function checkSvg(t: Test, svg: string): void {
  const open: string[] = [];
  const rest = svg.replace(/<(\/?)([a-z]+)((?: [a-zA-Z0-9:-]+="[^"<>]*")*)(\/?)>/g, (_, closing: string, name: string, _attributes: string, empty: string) => {
    if (closing) t.equal(open.pop(), name);
    else if (!empty) open.push(name);
    return '';
  });
  t.same(open, [], 'all are closed');
  t.notMatch(rest, /[<>]|&(?!amp;|lt;|gt;|quot;)/);
  t.notMatch(svg, /NaN|Infinity|undefined/);
  t.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
}

t.test('numbers are read at a glance', async (t) => {
  t.same([23456.7, 123.4, 12.34, 1.234, 0.12345, 0, NaN].map(formatNumber), ['23,457', '123', '12.3', '1.23', '0.123', '0', '-']);
});

const figures = [
  figure('ingest/post-1/16-connections', 'Quipu', 12_345, { p50: 1, p99: 2.5 }), figure('ingest/post-1/16-connections', 'bare Fastify', 25_000, { ratio: 0.494 }),
  figure('ingest/post-1/64-connections', 'Quipu', 100, { wrong: 3, note: 'a | b' }),
  ...[1, 2, 3, 4, 5].map((minute) => figure(`shapes/soak/${minute}-minutes`, 'Quipu', 100 + minute, { unit: 'MB' })),
  figure('start/empty', 'Quipu', 250, { unit: 'ms' }),
];
const scenarios = [
  { name: 'ingest', about: 'Writing.', goals: [
    { scenario: 'ingest/post-1/16-connections', text: 'fast', reached: (own: readonly Figure[]) => own.length === 2 },
    { scenario: 'ingest/post-1', text: 'faster', reached: (own: readonly Figure[]) => own.length !== 3 },
    { scenario: 'ingest/put', text: 'fastest', reached: (own: readonly Figure[]) => (own.length === 0 ? undefined : true) },
  ] },
];
const run: Run = {
  began: '2026-01-02T03:04:05.000Z', machine: { cpu: 'A processor', cores: 2, memory: 24 * 2 ** 30, disk: '/dev/vda, ext4', syncTakes: 0.5, system: 'linux', node: 'v20.20.2', commit: 'abcdef0' },
  how: { rounds: 5, seconds: 3, sizes: [10_000] },
};
const earlier: Run = { ...run, began: '2026-01-01T02:03:04.000Z', machine: { ...run.machine, cpu: 'Another one' } };
const results: Results = {
  runs: [{ ...run, began: 'nothing is left of it' }, earlier, run], finished: [], figures: figures.map((one) => ({ ...one, run: (one.scenario.startsWith('start/') ? earlier : run).began })),
};

t.test('a goal is judged by the figures at and below its scenario', async (t) => {
  t.same(judgeGoals(scenarios, figures).map(({ reached }) => reached), [true, false, undefined]);
});

t.test('the table on the terminal', async (t) => {
  t.equal(renderTable(figures.slice(0, 3)), [
    'ingest/post-1/16-connections  12,345 statements/s  p99 2.5 ms  0.494 of bare Fastify\n',
    'ingest/post-1/64-connections  100 statements/s\n',
  ].join(''));
  t.equal(renderTable([]), '');
});

t.test('the report has the runs, the goals, every figure and the plots', async (t) => {
  const { markdown, plots } = renderReport(results, scenarios);
  t.match(markdown, '\n| 1 | 2026-01-01 02:03 UTC | Another one, 2 cores');
  t.match(markdown, '\n| 2 | 2026-01-02 03:04 UTC | A processor, 2 cores, shared by the program and the load tool | 24 GiB | /dev/vda, ext4 | 0.5 ms | linux | v20.20.2 | abcdef0 | 5 of 3 s |\n');
  t.notMatch(markdown, 'nothing is left of it');
  t.match(markdown, '| ingest/post-1/16-connections | fast | yes |');
  t.match(markdown, '| ingest/post-1 | faster | **no** |');
  t.match(markdown, '| ingest/put | fastest | not measured |');
  t.match(markdown, '| post-1/16-connections | 12,345 | statements/s | 1 | 2.5 | 25,000 (0.494) | 2 |  |');
  t.match(markdown, '| post-1/64-connections | 100 (**3 wrong**) | statements/s |  |  |  | 2 | a \\| b |');
  t.match(markdown, /## start\n\n.*\n.*\n\| empty \| 250 \| ms \|  \|  \| 1 \|/, 'figures of a scenario that was not run this time are kept');
  t.same([...plots.keys()].sort(), ['ingest-statements-s.svg', 'shapes-soak-mb.svg', 'start-ms.svg']);
  for (const [name, svg] of plots) {
    t.match(markdown, `](results/${name})`);
    checkSvg(t, svg);
  }
  t.match(plots.get('shapes-soak-mb.svg')!, '<polyline');
});

t.test('plots are well-formed whatever they are given', async (t) => {
  checkSvg(t, barPlot({ title: 'a < b & "c"', series: ['Quipu', 'x>y'], bars: [{ name: 'one', values: [1, undefined] }, { name: 'two', values: [5000, 0] }, { name: 'three', values: [NaN, Infinity] }] }));
  checkSvg(t, barPlot({ title: 'none', series: [], bars: [] }));
  checkSvg(t, linePlot({ title: 't', xLabel: 'x', yLabel: 'y', series: [{ name: 'a', points: [{ x: 1, y: 2 }, { x: 1000, y: NaN }, { x: 2000, y: 4 }] }] }));
  checkSvg(t, linePlot({ title: 't', xLabel: 'x', yLabel: 'y', series: [{ name: 'a', points: [{ x: 0, y: 0 }] }, { name: 'b', points: [] }] }));
  checkSvg(t, linePlot({ title: 'none', xLabel: 'x', yLabel: 'y', series: [] }));
  t.match(barPlot({ title: 't', series: ['a'], bars: [{ name: 'x', values: [1] }, { name: 'y', values: [1000] }] }), 'logarithmic');
  t.notMatch(barPlot({ title: 't', series: ['a'], bars: [{ name: 'x', values: [1] }, { name: 'y', values: [50] }] }), 'logarithmic');
});
