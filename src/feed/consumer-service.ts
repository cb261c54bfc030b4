import { QuipuError } from '../xapi/errors.js';
import type { Checkpoints } from './checkpoints.js';
import type { Consumer, ConsumerState } from './consumers.js';
import type { DeadLetter, DeadLetters } from './dead-letters.js';

/** What operators see of the consumers of the feed and may tell them, from any process. */
export interface ConsumerService {
  list(): Promise<ConsumerState[]>;
  /** From then on it begins nothing; what is under way ends. @throws QuipuError `not-found` */
  pause(name: string): Promise<ConsumerState>;
  /** @throws QuipuError `not-found` */
  resume(name: string): Promise<ConsumerState>;
  /**
   * Deals once more with what follows a position, in one tenant or in all.
   * @throws QuipuError `not-found`, `invalid-request` when the consumer is not that far, and what the consumer throws
   */
  replay(name: string, position: number, tenant?: string): Promise<ConsumerState>;
  /** In order of position, after the letter with an id. @throws QuipuError `not-found` */
  deadLetters(name: string, tenant: string, after?: string, limit?: number): Promise<DeadLetter[]>;
  /** Asks for another attempt at one dead letter, or at all of a tenant. @returns how many; @throws QuipuError `not-found` */
  retry(name: string, tenant: string, id?: string): Promise<number>;
  /** Forgets a dead letter: its entry is never dealt with. @throws QuipuError `not-found` */
  drop(name: string, tenant: string, id: string): Promise<void>;
}

export interface ConsumerServiceDeps {
  consumers: readonly Consumer[];
  checkpoints: Checkpoints;
  letters: DeadLetters;
  /** Ids of all tenants. */
  listTenants(): Promise<string[]>;
}

export function createConsumerService({ consumers, checkpoints, letters, listTenants }: ConsumerServiceDeps): ConsumerService {
  function find(name: string): Consumer {
    const consumer = consumers.find((one) => one.name === name);
    if (!consumer) throw new QuipuError('not-found', `There is no consumer ${JSON.stringify(name)}.`, { expected: consumers.map((one) => one.name).join(', ') });
    return consumer;
  }

  async function stateOf(consumer: Consumer): Promise<ConsumerState> {
    const [state, paused] = await Promise.all([consumer.state(), checkpoints.paused(consumer.name)]);
    return paused && state.status !== 'off' ? { ...state, status: 'paused' } : state;
  }

  const wakeAll = async (consumer: Consumer): Promise<void> => {
    for (const tenant of await listTenants()) consumer.wake(tenant);
  };

  return {
    list: () => Promise.all(consumers.map(stateOf)),
    pause: async (name) => {
      const consumer = find(name);
      await checkpoints.setPaused(name, true);
      return stateOf(consumer);
    },
    resume: async (name) => {
      const consumer = find(name);
      await checkpoints.setPaused(name, false);
      await wakeAll(consumer);
      return stateOf(consumer);
    },
    replay: async (name, position, tenant) => {
      const consumer = find(name);
      await consumer.replay(position, tenant);
      return stateOf(consumer);
    },
    deadLetters: async (name, tenant, after, limit) => letters.list(tenant, find(name).name, after, limit),
    retry: async (name, tenant, id) => {
      const consumer = find(name);
      let asked = 0;
      if (id !== undefined) {
        if (!(await letters.mark(tenant, name, id, { status: 'retrying' }))) throw noLetter(id);
        asked = 1;
      } else {
        for (let page = await letters.list(tenant, name); page.length > 0; page = await letters.list(tenant, name, page.at(-1)!.id)) {
          for (const letter of page) if (await letters.mark(tenant, name, letter.id, { status: 'retrying' })) asked++;
        }
      }
      if (asked === 0) return 0;
      await checkpoints.change(tenant, name, (checkpoint) => ({ ...checkpoint, retriesAsked: checkpoint.retriesAsked + 1 }));
      consumer.wake(tenant);
      return asked;
    },
    drop: async (name, tenant, id) => {
      if (!(await letters.drop(tenant, find(name).name, id))) throw noLetter(id);
    },
  };
}

function noLetter(id: string): QuipuError {
  return new QuipuError('not-found', `The consumer has no dead letter ${JSON.stringify(id)}.`);
}
