/** Watches one call of a port. @param name such as `statements.append` */
export type Observe = <T>(name: string, tenant: string, work: () => Promise<T>) => Promise<T>;

/** The names of a port's functions that take the tenant first and answer later. */
type Calls<Port> = { [Name in keyof Port]: Port[Name] extends (tenant: string, ...rest: never[]) => Promise<unknown> ? Name : never }[keyof Port] & string;

/**
 * The same port, with some of its calls watched.
 * @param kind stands before the name of a call
 */
export function observed<Port extends object>(port: Port, kind: string, calls: readonly Calls<Port>[], observe: Observe): Port {
  const watched = calls.map((name) => {
    const call = port[name] as (tenant: string, ...rest: unknown[]) => Promise<unknown>;
    return [name, (tenant: string, ...rest: unknown[]) => observe(`${kind}.${name}`, tenant, () => call.call(port, tenant, ...rest))];
  });
  return Object.assign(Object.create(port) as Port, Object.fromEntries(watched));
}
