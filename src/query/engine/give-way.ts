import { getPriority, setPriority } from 'node:os';

/** Nice value of what may wait. */
const NICE = 10;

/**
 * Lets what answers requests go first: lowers the priority of this process, on Linux of the calling thread and of those that it starts
 * from now on. What was started with a lower one keeps it, because only a privileged user may raise it.
 */
export function giveWay(): void {
  if (getPriority() < NICE) setPriority(NICE);
}
