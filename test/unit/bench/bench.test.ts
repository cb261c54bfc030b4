import t from 'tap';
import { createBench } from '../../../bench/bench.js';
import { readArguments } from '../../../bench/arguments.js';
import { createResultsFile, type Results } from '../../../bench/results.js';
import type { Contender } from '../../../bench/scenario.js';

const run = { began: 'now', machine: { cpu: 'c', cores: 2, memory: 1, disk: 'd', syncTakes: 1, system: 's', node: 'n' }, how: { rounds: 2, seconds: 1, sizes: [10] } };
const begun: Results = { runs: [run], finished: [], figures: [] };

t.test('contenders are measured once; what a run before this one has measured is given again', async (t) => {
  const file = createResultsFile(undefined, begun);
  const said: string[] = [];
  const bench = createBench(readArguments(['--rounds', '2', '--seconds', '0.1'], []), file, (text) => said.push(text));
  let rounds = 0;
  const contender = (name: string, rate: number): Contender => ({
    name, round: async () => {
      rounds++;
      return { rate, wrong: name === 'floor' ? 1 : 0 };
    },
  });
  const both = [contender('Quipu', 50), contender('floor', 100)];
  const figures = await bench.compare('s/a', 'requests/s', both, 'a note');
  t.match(figures, [{ name: 'Quipu', value: 50, wrong: 0, note: 'a note' }, { name: 'floor', value: 100, ratio: 0.5, wrong: 3 }]);
  t.equal(rounds, 6);
  t.same(file.results.figures, figures.map((figure) => ({ ...figure, run: 'now' })));
  t.same(said, ['s/a: Quipu 50 requests/s, floor 100 requests/s (0.5), 3 WRONG']);
  t.match(await bench.compare('s/a', 'requests/s', both), figures);
  t.equal(rounds, 6);
  await bench.compare('s/a', 'requests/s', [...both, contender('peer', 1)]);
  t.equal(rounds, 15, 'with one more, all are measured side by side again');
  bench.record({ scenario: 's/b', name: 'Quipu', value: 1, unit: 'MB', wrong: 0 });
  t.same(file.results.figures.map(({ scenario, name }) => `${scenario} ${name}`), ['s/a Quipu', 's/a floor', 's/a peer', 's/b Quipu']);
});
