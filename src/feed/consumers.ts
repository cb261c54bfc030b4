/** What a consumer of the feed has done and has still to do, over all processes. */
export interface ConsumerState {
  /** kebab-case. */
  name: string;
  /** `off` when it is not used, `paused` by an operator, `waiting` while what it feeds does not answer. */
  status: 'off' | 'running' | 'waiting' | 'paused';
  tenants: ConsumerTenantState[];
  /** Why it does not get on, or did not when it last failed. */
  lastError?: { message: string; at: string };
  /** Entries put aside, of all tenants. */
  deadLetters: number;
  /** Statements that it could take in part only, of all tenants; `refused` lists the newest of them. */
  refusedCount: number;
  refused: { tenant: string; id: string; reason: string }[];
}

/** How far a consumer is in one tenant. */
export interface ConsumerTenantState {
  tenant: string;
  /** Position of the last entry dealt with. */
  position: number;
  /** Statements that it has not dealt with yet; above a thousand an estimate. */
  lagStatements: number;
  /** Seconds since the oldest of them was stored. */
  lagSeconds: number;
  /** Why it does not get on in this tenant, or did not when it last failed. */
  lastError?: { message: string; at: string };
  /** Entries put aside, counted up to a thousand. */
  deadLetters: number;
}

/** Something that reads the feed and keeps the position it has dealt with. */
export interface Consumer {
  readonly name: string;
  /** Whether it is switched on. Pausing is not its business: `consumer-service.ts` says so of every consumer. */
  state(): Promise<ConsumerState>;
  /**
   * Deals once more with what follows a position.
   * @param tenant all tenants when left out
   * @throws QuipuError `invalid-request` when the consumer is not that far, `store-unavailable`, `record-conflict`
   */
  replay(position: number, tenant?: string): Promise<void>;
  /** Looks for what it may have to do. */
  wake(tenant: string): void;
}

/** What each consumer that is not off has still to do, over all tenants: statements together, seconds of the one that is furthest behind. */
export async function lagsOf(consumers: readonly Pick<Consumer, 'state'>[]): Promise<{ name: string; statements: number; seconds: number; deadLetters: number }[]> {
  const states = await Promise.all(consumers.map((consumer) => consumer.state()));
  return states.filter(({ status }) => status !== 'off').map(({ name, tenants, deadLetters }) => ({
    name, deadLetters,
    statements: tenants.reduce((sum, { lagStatements }) => sum + lagStatements, 0),
    seconds: tenants.reduce((most, { lagSeconds }) => Math.max(most, lagSeconds), 0),
  }));
}
