/** Work that is asked for by name and subject, such as a consumer of the feed and a tenant. */
export interface Job {
  /** kebab-case, unique in the program. */
  name: string;
  /** What it may have to be run for: each is looked at once in a while, so that a lost wake-up does no harm. */
  subjects(): Promise<string[]>;
  /**
   * Does what there is to do for a subject, for some seconds at the most, or finds that another does it or that there is nothing.
   * It may be called in several processes at once: a lease (`leases.ts`) is what decides.
   * @returns `more` when its time was over before the work was; it is called again when others have had their turn
   * @throws anything; it is then logged and tried again when the subjects are next looked at
   */
  run(subject: string, signal: AbortSignal): Promise<'done' | 'more'>;
  /** Subjects dealt with at a time in one process; 4 when left out. */
  concurrency?: number;
  /** Milliseconds between two looks at all subjects; 5000 when left out. */
  interval?: number;
}

/** How jobs are woken. */
export interface JobsState {
  transport: 'process' | 'redis';
  /** `failed` while Redis is away: a process then wakes its own jobs alone, and looks at all by the slow timer. */
  status: 'ok' | 'failed';
}

/**
 * The jobs of the program: who needs something done wakes it, and a process that works does it. Guarantees of every adapter:
 * - `wake` costs next to nothing, waits for nobody and never fails. A wake-up may be lost.
 * - In a process that works, each subject of each job is run in turn at the least every `interval`, also when wake-ups are lost.
 * - In one process a job never runs twice at a time for one subject. Across processes wake-ups go to one of those that work,
 *   as a rule; only a lease makes it a certainty.
 * - What is kept about a wake-up is the job's name and the subject, once, however often it is woken.
 */
export interface Jobs {
  /** To be called before `start`. */
  define(job: Job): void;
  /** Asks for a run that begins after this call. */
  wake(name: string, subject: string): void;
  /** Makes this a process that works. @param only names of jobs, which are then woken by this process alone; all when left out */
  start(only?: readonly string[]): void;
  state(): JobsState;
  /** Tells the runs under way to end, and answers when they have. */
  close(): Promise<void>;
}
