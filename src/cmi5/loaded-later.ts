/**
 * A service that is made, and the modules behind it loaded, when it is first asked something: what few processes use should cost no start.
 * @param known its properties that are no functions; its functions all answer later
 * @param make is called again when it has failed
 */
export function loadedLater<Service extends object>(known: Partial<Service>, make: () => Promise<Service>): Service {
  let made: Promise<Service> | undefined;
  const load = (): Promise<Service> => made ??= make().catch((error: unknown) => {
    made = undefined;
    throw error;
  });
  return new Proxy(known as Service, {
    get: (target, name) => {
      if (Object.hasOwn(target, name)) return target[name as keyof Service];
      return async (...rest: unknown[]) => ((await load())[name as keyof Service] as (...all: unknown[]) => unknown)(...rest);
    },
  });
}
