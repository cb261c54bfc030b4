import t from 'tap';
import { atLeast, atLeastOf, timesBestPeer } from '../../../bench/goals.js';
import { figuresOf, isCost, measure, median, ratioOf } from '../../../bench/rounds.js';
import type { Figure, Sample } from '../../../bench/scenario.js';

t.test('the median', async (t) => {
  t.equal(median([3, 1, 2]), 2);
  t.equal(median([4, 1, 3, 2]), 2.5);
  t.equal(median([5]), 5);
  t.ok(Number.isNaN(median([])));
});

t.test('above 1 Quipu does better, also where less is better', async (t) => {
  t.equal(ratioOf('statements/s', 200, 100), 2);
  t.equal(ratioOf('ms', 5, 10), 2);
  t.same(['statements/s', 'requests/s', 'rows/s', 'ms', 'MB'].map(isCost), [false, false, false, true, true]);
});

t.test('figures are medians, ratios are taken within a round, wrong answers are added up', async (t) => {
  const sample = (rate: number, p99: number | undefined, wrong = 0): Sample => ({ rate, p99, wrong });
  const figures = figuresOf({
    scenario: 's/a', unit: 'statements/s', names: ['Quipu', 'floor'], wrongBefore: [1, 0], at: 'now', note: 'n',
    // The machine was slow in the second round, for both.
    rounds: [[sample(100, 9), sample(200, undefined)], [sample(10, 50, 2), sample(20, undefined)], [sample(90, 7), sample(360, undefined, 4)]],
  });
  t.same(figures, [
    { scenario: 's/a', name: 'Quipu', unit: 'statements/s', value: 90, p50: undefined, p99: 9, ratio: undefined, wrong: 3, at: 'now', note: 'n' },
    { scenario: 's/a', name: 'floor', unit: 'statements/s', value: 200, p50: undefined, p99: undefined, ratio: 0.5, wrong: 4, at: 'now', note: 'n' },
  ]);
});

t.test('contenders take turns, after a round of each that only warms up', async (t) => {
  const turns: string[] = [];
  const contender = (name: string) => ({
    name, round: async (seconds: number): Promise<Sample> => {
      turns.push(`${name}${seconds}`);
      return { rate: turns.length, wrong: 1 };
    },
  });
  const { rounds, wrongBefore } = await measure([contender('a'), contender('b'), contender('c')], 2, 4, async () => { turns.push('settle'); });
  t.same(turns.filter((turn) => turn !== 'settle'), ['a1', 'b1', 'c1', 'a4', 'b4', 'c4', 'b4', 'c4', 'a4']);
  t.same(turns.map((_, index) => index).filter((index) => turns[index] === 'settle'), [3, 5, 7, 9, 11, 13], 'each when the one before has settled');
  t.same(wrongBefore, [1, 1, 1]);
  t.same(rounds.map((round) => round.map(({ rate }) => rate)), [[5, 7, 9], [15, 11, 13]], 'in the order of the contenders');
});

t.test('goals', async (t) => {
  const figure = (scenario: string, name: string, value: number, ratio?: number): Figure => ({ scenario, name, value, ratio, unit: 'statements/s', wrong: 0, at: '' });
  const figures = [figure('i/a', 'Quipu', 100), figure('i/a', 'floor', 200, 0.5), figure('i/a', 'peer', 5, 20), figure('i/b', 'Quipu', 30), figure('i/b', 'peer', 10), figure('i/b', 'Ralph (no store)', 10, 3)];
  t.equal(atLeast('i/a', 100, 'statements/s').reached(figures), true);
  t.equal(atLeast('i/a', 101, 'statements/s').reached(figures), false);
  t.equal(atLeast('i/c', 1, 'statements/s').reached(figures), undefined);
  t.equal(atLeastOf('i/a', 0.45, 'floor').reached(figures), true);
  t.equal(atLeastOf('i/a', 0.55, 'floor').reached(figures), false);
  t.equal(atLeastOf('i/b', 0.55, 'floor').reached(figures), undefined);
  t.equal(timesBestPeer('i', 3, 'that store', ['floor']).reached(figures), true, 'each time, with a ratio or from the values');
  t.equal(timesBestPeer('i', 4, 'that store', ['floor']).reached(figures), false);
  t.equal(timesBestPeer('i', 3, 'with no store', ['floor']).reached(figures), true);
  t.equal(timesBestPeer('i', 4, 'with no store', ['floor']).reached(figures), false);
  t.equal(timesBestPeer('i', 1, 'with no store', ['floor']).reached(figures.slice(0, 2)), undefined);
});
