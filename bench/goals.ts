import { ratioOf } from './rounds.js';
import type { Figure, Goal } from './scenario.js';

/** The figure of a contender, if it was measured. */
function figureOf(figures: readonly Figure[], scenario: string, name: string): Figure | undefined {
  return figures.find((figure) => figure.scenario === scenario && figure.name === name);
}

/** Quipu's figure is at least so much. */
export function atLeast(scenario: string, least: number, unit: string): Goal {
  return {
    scenario, text: `at least ${least.toLocaleString('en-US')} ${unit}`,
    reached: (figures) => {
      const own = figureOf(figures, scenario, 'Quipu');
      return own && own.value >= least;
    },
  };
}

/** Quipu does at least so many times what another does. */
export function atLeastOf(scenario: string, least: number, name: string): Goal {
  return {
    scenario, text: `at least ${least} of ${name}`,
    reached: (figures) => {
      const ratio = figureOf(figures, scenario, name)?.ratio;
      return ratio === undefined ? undefined : ratio >= least;
    },
  };
}

/** Whether a contender is a peer that answers what it has not stored; it is given with a name such as `Ralph (no store)`. */
export function storesNothing(name: string): boolean {
  return /no store/i.test(name);
}

/**
 * In every scenario below `scenario` Quipu does at least so many times what the best peer does.
 * @param floors names of contenders that are no peers
 * @param among which of the peers
 */
export function timesBestPeer(scenario: string, least: number, among: 'that store' | 'with no store', floors: readonly string[]): Goal {
  const counts = ({ name }: Figure): boolean => name !== 'Quipu' && !floors.includes(name) && storesNothing(name) === (among === 'with no store');
  return {
    scenario, text: `at least ${least} times the best of the peers ${among}, each time`,
    reached: (figures) => {
      // One that answered nothing is no measure.
      const ratios = figures.filter((figure) => counts(figure) && figure.value > 0).flatMap((figure) => {
        const own = figureOf(figures, figure.scenario, 'Quipu');
        return figure.ratio ?? (own ? ratioOf(figure.unit, own.value, figure.value) : []);
      });
      return ratios.length === 0 ? undefined : ratios.every((ratio) => ratio >= least);
    },
  };
}
