/**
 * Lets calls with the same name share one run. A call never gets the result of a run that began before it: it joins the next one,
 * which begins when the one under way is over.
 */
export function coalesced<T>(work: (name: string) => Promise<T>): (name: string) => Promise<T> {
  const runs = new Map<string, { current: Promise<unknown>; next?: Promise<T> }>();

  function start(name: string): Promise<T> {
    const current = work(name);
    const run: { current: Promise<unknown>; next?: Promise<T> } = { current };
    runs.set(name, run);
    const over = (): void => {
      if (runs.get(name) === run && run.next === undefined) runs.delete(name);
    };
    current.then(over, over);
    return current;
  }

  return (name) => {
    const run = runs.get(name);
    if (!run) return start(name);
    return run.next ??= run.current.then(() => start(name), () => start(name));
  };
}
