/** What a consumer of the feed has done and has still to do. */
export interface ConsumerState {
  /** kebab-case. */
  name: string;
  /** `off` when it is not used, `waiting` while what it feeds does not answer. */
  status: 'off' | 'running' | 'waiting';
  tenants: ConsumerTenantState[];
  /** Why it does not get on, or did not when it last failed. */
  lastError?: { message: string; at: string };
  /** Statements that it could take in part only, of all tenants; `refused` lists the newest of them. */
  refusedCount: number;
  refused: { tenant: string; id: string; reason: string }[];
}

/** How far a consumer is in one tenant. */
export interface ConsumerTenantState {
  tenant: string;
  /** Position of the last entry dealt with. */
  position: number;
  /** Statements that it has not dealt with yet. */
  lagStatements: number;
  /** Seconds since the oldest of them was stored. */
  lagSeconds: number;
}

/** Something that reads the feed and keeps the position it has dealt with. */
export interface Consumer {
  readonly name: string;
  state(): Promise<ConsumerState>;
}

/** How far each consumer is behind, over all tenants: statements together, seconds of the one that is furthest behind. */
export async function lagsOf(consumers: readonly Consumer[]): Promise<{ name: string; statements: number; seconds: number }[]> {
  const states = await Promise.all(consumers.map((consumer) => consumer.state()));
  return states.filter(({ status }) => status !== 'off').map(({ name, tenants }) => ({
    name,
    statements: tenants.reduce((sum, { lagStatements }) => sum + lagStatements, 0),
    seconds: tenants.reduce((most, { lagSeconds }) => Math.max(most, lagSeconds), 0),
  }));
}
