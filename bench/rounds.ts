import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import type { Contender, Figure, Sample } from './scenario.js';

/** The middle one, or the mean of the two in the middle; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Whether less is better, as of milliseconds and megabytes; of rates more is. */
export function isCost(unit: string): boolean {
  return !unit.endsWith('/s');
}

/** How Quipu does against another: above 1 it does better, whatever the unit. */
export function ratioOf(unit: string, quipu: number, other: number): number {
  return isCost(unit) ? other / quipu : quipu / other;
}

/** What was measured on contenders: for each, a sample a round. */
export interface Measured {
  scenario: string;
  unit: string;
  names: readonly string[];
  /** One list a round, in the order of the names. */
  rounds: readonly (readonly Sample[])[];
  /** Wrong answers before the rounds, one a name; they count. */
  wrongBefore: readonly number[];
  at: string;
  note?: string;
}

/** Figures of what was measured: medians over the rounds, and the median of the ratios within each round. */
export function figuresOf({ scenario, unit, names, rounds, wrongBefore, at, note }: Measured): Figure[] {
  return names.map((name, index) => {
    const samples = rounds.map((round) => round[index]!);
    const each = (part: 'p50' | 'p99'): number | undefined => {
      const values = samples.flatMap((sample) => sample[part] ?? []);
      return values.length === 0 ? undefined : median(values);
    };
    return {
      scenario, name, unit, at, note,
      value: median(samples.map(({ rate }) => rate)), p50: each('p50'), p99: each('p99'),
      ratio: index === 0 ? undefined : median(rounds.map((round) => ratioOf(unit, round[0]!.rate, round[index]!.rate))),
      wrong: samples.reduce((sum, sample) => sum + sample.wrong, wrongBefore[index]!),
    };
  });
}

/**
 * Measures contenders round by round, after a short round of each that only warms up. Each round begins with another contender, so
 * that none always has the quiet moment after another's writes, and when what the one before has left to be done, such as compactions, is done.
 * @param settle waits for that
 */
export async function measure(contenders: readonly Contender[], rounds: number, seconds: number, settle: () => Promise<void>): Promise<Pick<Measured, 'rounds' | 'wrongBefore'>> {
  const wrongBefore: number[] = [];
  for (const contender of contenders) wrongBefore.push((await contender.round(Math.max(0.2, seconds / 4))).wrong);
  const measured: Sample[][] = [];
  for (let round = 0; round < rounds; round++) {
    const samples: Sample[] = [];
    for (let turn = 0; turn < contenders.length; turn++) {
      const index = (turn + round) % contenders.length;
      await settle();
      samples[index] = await contenders[index]!.round(seconds);
    }
    measured.push(samples);
  }
  return { rounds: measured, wrongBefore };
}

/** Milliseconds over which the machine is looked at. */
const LOOK = 100;
/** Share of one core that is nothing to wait for. */
const IDLE_SHARE = 0.3;

/** Waits until the processors have next to nothing to do, so many seconds at the most; where the system does not tell, not at all. */
export async function quiet(seconds: number): Promise<void> {
  const until = performance.now() + seconds * 1000;
  let before = await busyTicks();
  while (before !== undefined && performance.now() < until) {
    await wait(LOOK);
    const now = await busyTicks();
    if (now === undefined || now.busy - before.busy <= (IDLE_SHARE / cpus().length) * (now.all - before.all)) return;
    before = now;
  }
}

/** Time that the processors have worked since the start of the system, and all time, in the same unit. What other machines took of it is no work. */
async function busyTicks(): Promise<{ busy: number; all: number } | undefined> {
  const line = (await readFile('/proc/stat', 'utf8').catch(() => '')).split('\n')[0]!;
  const [user, nice, system, idle, waiting, irq, softirq, steal] = line.split(/ +/).slice(1).map(Number);
  if (steal === undefined) return undefined;
  const busy = user! + nice! + system! + irq! + softirq!;
  return { busy, all: busy + idle! + waiting! + steal };
}
