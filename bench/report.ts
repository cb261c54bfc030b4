import type { Figure, Goal, Scenario } from './scenario.js';
import type { MeasuredFigure, Results, Run } from './results.js';
import { barPlot, linePlot } from './plot.js';

/** A goal and whether it is reached; undefined where the figures don't tell. */
export interface JudgedGoal {
  scenario: string;
  text: string;
  reached: boolean | undefined;
}

/** Judges each goal by the figures whose scenario's name is the goal's or begins with it and a slash. */
export function judgeGoals(scenarios: readonly { goals: readonly Goal[] }[], figures: readonly Figure[]): JudgedGoal[] {
  return scenarios.flatMap(({ goals }) => goals.map(({ scenario, text, reached }) => ({
    scenario, text, reached: reached(figures.filter((figure) => figure.scenario === scenario || figure.scenario.startsWith(`${scenario}/`))),
  })));
}

/** A number with three digits that count, and thousands apart. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return '-';
  const size = Math.abs(value);
  return value.toLocaleString('en-US', { maximumFractionDigits: size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3 });
}

/** Figures of one name of a scenario side by side. */
interface Row<F extends Figure> {
  scenario: string;
  unit: string;
  /** Quipu's own, or the only one's. */
  first: F;
  others: F[];
}

function rowsOf<F extends Figure>(figures: readonly F[]): Row<F>[] {
  const rows = new Map<string, Row<F>>();
  for (const figure of figures) {
    const key = `${figure.scenario} ${figure.unit}`;
    const row = rows.get(key);
    if (row) row.others.push(figure);
    else rows.set(key, { scenario: figure.scenario, unit: figure.unit, first: figure, others: [] });
  }
  return [...rows.values()];
}

/** A compact table of all figures as plain text, for a terminal or the log of a CI. */
export function renderTable(figures: readonly Figure[]): string {
  const lines = rowsOf(figures).map(({ scenario, unit, first, others }) => [
    scenario,
    `${first.name === 'Quipu' ? '' : `${first.name} `}${formatNumber(first.value)} ${unit}`,
    first.p99 === undefined ? '' : `p99 ${formatNumber(first.p99)} ms`,
    others.map(({ name, value, ratio }) => `${ratio === undefined ? formatNumber(value) : `${formatNumber(ratio)} of`} ${name}`).join(', '),
  ]);
  const widths = [0, 1, 2].map((column) => Math.max(0, ...lines.map((line) => line[column]!.length)));
  return lines.map((line) => `${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()}\n`).join('');
}

/** The results as a page, and its plots by file name. */
export function renderReport(results: Results, scenarios: readonly Pick<Scenario, 'name' | 'about' | 'goals'>[]): { markdown: string; plots: Map<string, string> } {
  const { runs, figures } = results;
  const plots = new Map<string, string>();
  const measured = runs.filter(({ began }) => figures.some(({ run }) => run === began));
  const parts = [
    '# Results of the benchmark',
    'Written by `npm run bench`; what is measured and how, is told in [README.md](README.md). A number in brackets is Quipu\'s figure divided by '
    + 'that contender\'s (for times and sizes the other way round), so that above 1 Quipu does better; both were measured in the same minute, round by round in turn.',
    ['## Runs', '', 'Numbers of different runs are hours or machines apart; only their ratios can be compared.', '', ...markdownTable([runColumns, ...measured.map(runRow)], ['---:'])].join('\n'),
  ];
  const goals = judgeGoals(scenarios, figures);
  if (goals.length > 0) {
    parts.push(['## Goals', '', '| goal | | reached |', '|---|---|---|',
      ...goals.map(({ scenario, text, reached }) => `| ${scenario} | ${cell(text)} | ${reached === undefined ? 'not measured' : reached ? 'yes' : '**no**'} |`)].join('\n'));
  }
  const known = scenarios.map(({ name }) => name);
  const further = [...new Set(figures.map(({ scenario }) => scenario.split('/')[0]!))].filter((name) => !known.includes(name));
  for (const name of [...known, ...further]) {
    const own = figures.filter(({ scenario }) => scenario.split('/')[0] === name);
    if (own.length === 0) continue;
    const drawn = plotsOf(name, own);
    for (const [file, svg] of drawn) plots.set(file, svg);
    const about = scenarios.find((scenario) => scenario.name === name)?.about;
    parts.push([`## ${name}`, ...(about ? ['', about] : []), '', ...table(name, own, measured), ...[...drawn.keys()].flatMap((file) => ['', `![${file.replace('.svg', '')}](results/${file})`])].join('\n'));
  }
  return { markdown: `${parts.join('\n\n')}\n`, plots };
}

const runColumns = ['run', 'began', 'processor', 'memory', 'disk', '4 KB written and synced', 'system', 'Node', 'commit', 'rounds'];

function runRow({ began, machine, how }: Run, index: number): string[] {
  return [
    String(index + 1), `${began.slice(0, 16).replace('T', ' ')} UTC`, `${machine.cpu}, ${machine.cores} cores, shared by the program and the load tool`, `${formatNumber(machine.memory / 2 ** 30)} GiB`,
    machine.disk, `${formatNumber(machine.syncTakes)} ms`, machine.system, machine.node, machine.commit ?? '', `${how.rounds} of ${how.seconds} s`,
  ];
}

function table(name: string, figures: readonly MeasuredFigure[], runs: readonly Run[]): string[] {
  const rows = rowsOf(figures);
  const contenders = [...new Set(rows.flatMap(({ others }) => others.map((other) => other.name)))];
  const head = ['', 'Quipu', 'unit', 'p50 ms', 'p99 ms', ...contenders, 'run', 'note'];
  const lines = rows.map(({ scenario, unit, first, others }) => [
    scenario.slice(name.length + 1) || scenario,
    `${first.name === 'Quipu' ? '' : `${first.name}: `}${formatNumber(first.value)}${first.wrong ? ` (**${first.wrong} wrong**)` : ''}`,
    unit, first.p50 === undefined ? '' : formatNumber(first.p50), first.p99 === undefined ? '' : formatNumber(first.p99),
    ...contenders.map((contender) => {
      const other = others.find((figure) => figure.name === contender);
      if (!other) return '';
      return `${formatNumber(other.value)}${other.ratio === undefined ? '' : ` (${formatNumber(other.ratio)})`}${other.wrong ? ` **${other.wrong} wrong**` : ''}`;
    }),
    String(runs.findIndex(({ began }) => began === first.run) + 1),
    [...new Set([first, ...others].flatMap(({ note }) => note ?? []))].join('; '),
  ]);
  return markdownTable([head, ...lines], ['---', ...head.slice(2).map(() => '---:'), '---']);
}

/** @param alignment of the first columns; text for the rest */
function markdownTable([head, ...lines]: readonly (readonly string[])[], alignment: readonly string[]): string[] {
  return [head!, head!.map((_, column) => alignment[column] ?? '---'), ...lines].map((line) => `| ${line.map(cell).join(' | ')} |`);
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

/** From so many points on, figures that differ in a leading number alone are drawn as a line. */
const POINTS_OF_A_LINE = 5;

/** A plot of bars for each unit, and one of lines for each group whose last parts count on, such as `soak/rss/12-minutes`. */
function plotsOf(name: string, figures: readonly Figure[]): Map<string, string> {
  const plots = new Map<string, string>();
  const file = (...words: string[]): string => `${words.join('-').toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '')}.svg`;
  const barred: Figure[] = [];
  const groups = new Map<string, Figure[]>();
  for (const figure of figures) {
    const key = `${figure.scenario.slice(0, figure.scenario.lastIndexOf('/'))} ${figure.unit}`;
    groups.set(key, [...(groups.get(key) ?? []), figure]);
  }
  for (const group of groups.values()) {
    const points = group.map((figure) => ({ figure, x: /\/(\d+(?:\.\d+)?)([^/]*)$/.exec(figure.scenario) }));
    if (!points.every(({ x }) => x) || new Set(points.map(({ x }) => x![1])).size < POINTS_OF_A_LINE) {
      barred.push(...group);
      continue;
    }
    const { scenario, unit } = group[0]!;
    const title = scenario.slice(0, scenario.lastIndexOf('/'));
    const series = [...new Set(group.map((figure) => figure.name))].map((contender) => ({
      name: contender, points: points.filter(({ figure }) => figure.name === contender).map(({ figure, x }) => ({ x: Number(x![1]), y: figure.value })).sort((a, b) => a.x - b.x),
    }));
    plots.set(file(title, unit), linePlot({ title, xLabel: points[0]!.x![2]!.replaceAll('-', ' ').trim(), yLabel: unit, series }));
  }
  for (const unit of new Set(barred.map((figure) => figure.unit))) {
    const own = barred.filter((figure) => figure.unit === unit);
    const series = [...new Set(own.map((figure) => figure.name))];
    const bars = rowsOf(own).map(({ scenario, first, others }) => ({
      name: scenario.slice(name.length + 1) || scenario, values: series.map((contender) => [first, ...others].find((figure) => figure.name === contender)?.value),
    }));
    plots.set(file(name, unit), barPlot({ title: `${name}, ${unit}`, series, bars }));
  }
  return plots;
}
