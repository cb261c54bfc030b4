import { shippingFigures, withoutAnalytics } from '../analytics/shipping.js';
import { isOfLimits, memoryName, timesName, unsummarisedName, viewFigures } from '../analytics/view-figures.js';
import type { Goal, Scenario } from '../scenario.js';

/** A ratio of Quipu to itself without analytics. */
function ratioAtLeast(scenario: string, least: number, text: string): Goal {
  return {
    scenario, text,
    reached: (figures) => {
      const ratio = figures.find(({ name }) => name === withoutAnalytics)?.ratio;
      return ratio === undefined ? undefined : ratio >= least;
    },
  };
}

/** Each figure of a group below a limit, and none that was come by in another way than the program's. */
function below(scenario: string, limit: number, text: string): Goal {
  return {
    scenario, text,
    reached: (figures) => (figures.length === 0 ? undefined : figures.every(({ value, note }) => value < limit && isOfLimits(note))),
  };
}

const goals: Goal[] = [
  below('analytics/lag/5000', 3000, 'at a steady 5,000 statements/s 99 of 100 can be queried within 3 s'),
  ratioAtLeast('analytics/ingest-at/5000', 1 / 1.25, "at a steady 5,000 statements/s ingest's p99 within 1.25 of that without analytics"),
  ratioAtLeast('analytics/ingest-full', 0.8, 'at the full rate at least 0.8 of the rate without analytics'),
  below(timesName(10_000_000), 1000, 'every view below 1 s at 10 million rows'),
  below(unsummarisedName(10_000_000), 1000, 'every view below 1 s at 10 million rows, counted from the statements themselves'),
  below(memoryName(100_000_000), 2048, 'every view within 2 GB of memory at 100 million rows'),
];

/** Analytics from the stored statement to the answered view. */
export const analytics: Scenario = {
  name: 'analytics',
  about: 'Shipping into ClickHouse against a plain insert, the time from stored to queryable, what analytics costs ingest, and the time and memory of every view.',
  goals,
  run: async (bench) => {
    await shippingFigures(bench);
    const sizes = bench.quick ? [20_000] : [1_000_000, 10_000_000, ...bench.sizes.filter((size) => size >= 100_000_000)];
    for (const rows of sizes) await viewFigures(bench, rows);
  },
};
