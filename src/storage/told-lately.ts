import { hash } from 'node:crypto';
import { toldBy, TOLD_BYTES, type Telling, type Told, type ToldRun } from '../xapi/told.js';

/** The entry of a run at `index`. */
function entryOf(run: ToldRun, index: number): number {
  return run.readUIntBE(index * TOLD_BYTES, TOLD_BYTES);
}

/**
 * What was merged lately, so that the same definition in statement after statement costs no read and no write. Of an activity or a
 * verb the last that was told counts, of an agent every name.
 */
export interface ToldLately {
  /** Whether the entry of a run at `index` is known to be merged already. */
  has(tenant: string, run: ToldRun, index: number): boolean;
  /** @param told what the entry stands for */
  note(tenant: string, run: ToldRun, index: number, told: Told): void;
  clear(): void;
}

/** Entries noted with what they are told of, so that both are forgotten together. */
interface Generation {
  entries: Map<number, number>;
  latest: Map<string, number>;
}

const REMEMBERED = 10_000;
/** Bytes of the hash of what is told of. */
const THING_BYTES = 8;

/** @param lifetime milliseconds after which it is looked up again, where others may change it */
export function createToldLately(lifetime = Infinity): ToldLately {
  const tenants = new Map<string, { young: Generation; old: Generation }>();
  let noted = 0;

  function rememberedOf(tenant: string): { young: Generation; old: Generation } {
    let remembered = tenants.get(tenant);
    if (!remembered) tenants.set(tenant, remembered = { young: generation(), old: generation() });
    return remembered;
  }

  return {
    has: (tenant, run, index) => {
      const remembered = tenants.get(tenant);
      const entry = entryOf(run, index);
      const at = remembered?.young.entries.get(entry) ?? remembered?.old.entries.get(entry);
      return at !== undefined && (lifetime === Infinity || performance.now() - at < lifetime);
    },
    note: (tenant, run, index, { kind, name }) => {
      if (noted++ >= REMEMBERED) {
        noted = 0;
        for (const [id, { young }] of tenants) {
          if (young.entries.size === 0) tenants.delete(id);
          else tenants.set(id, { young: generation(), old: young });
        }
      }
      const remembered = rememberedOf(tenant);
      const entry = entryOf(run, index);
      if (kind !== 'g') {
        // Hashed, for a name may be of any length. Two that meet make each other be looked up again, no more.
        const thing = hash('sha1', kind + name, 'binary').slice(0, THING_BYTES);
        for (const { entries, latest } of [remembered.young, remembered.old]) {
          const before = latest.get(thing);
          if (before !== undefined) entries.delete(before);
        }
        remembered.young.latest.set(thing, entry);
      }
      remembered.young.entries.set(entry, performance.now());
    },
    clear: () => tenants.clear(),
  };
}

const generation = (): Generation => ({ entries: new Map(), latest: new Map() });

/**
 * What a statement tells that is not known to be merged already, in order; each is taken to be merged when the next is asked for.
 */
export function* freshlyTold(lately: ToldLately, tenant: string, statement: Telling): Generator<Told> {
  const run = statement.told;
  let all: Told[] | undefined;
  for (let index = 0; index < run.length / TOLD_BYTES; index++) {
    if (lately.has(tenant, run, index)) continue;
    all ??= toldBy(statement.value);
    yield all[index]!;
    lately.note(tenant, run, index, all[index]!);
  }
}

/**
 * What statements tell of the things of which they tell anything that is not known to be merged already: all of it, in order, and where
 * it stands.
 */
export function toldAnew(lately: ToldLately, tenant: string, statements: readonly Telling[]): { told: Told; run: ToldRun; index: number }[] {
  const fresh = statements.filter(({ told }) => Array.from({ length: told.length / TOLD_BYTES }, (_, index) => index).some((index) => !lately.has(tenant, told, index)));
  if (fresh.length === 0) return [];
  const all = statements.flatMap(({ value, told: run }) => toldBy(value).map((told, index) => ({ told, run, index })));
  const anew = new Set(all.flatMap(({ told, run, index }) => (lately.has(tenant, run, index) ? [] : [told.kind + told.name])));
  return all.filter(({ told }) => anew.has(told.kind + told.name));
}
