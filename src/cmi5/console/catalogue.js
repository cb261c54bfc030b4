import { ask } from './api.js';

const details = new Map();
const changes = new EventTarget();

/** A course with its AUs, read once; `fresh` reads it again. */
export function courseOf(id, fresh = false) {
  if (fresh || !details.has(id)) {
    const reading = ask(`courses/${encodeURIComponent(id)}`);
    details.set(id, reading);
    reading.catch(() => details.delete(id));
  }
  return details.get(id);
}

/** Says that something happened to learners of a course. */
export const learnersChanged = (course) => changes.dispatchEvent(new CustomEvent('learners', { detail: course }));

/** Hears of that. */
export const onLearnersChanged = (listener) => changes.addEventListener('learners', ({ detail }) => listener(detail));
