import type { Statement } from '../../src/xapi/types.js';

/** Numbers that are the same in every run with the same seed (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const verbs = [
  ['http://adlnet.gov/expapi/verbs/initialized', 0.3], ['http://id.tincanapi.com/verb/viewed', 0.25], ['https://w3id.org/xapi/video/verbs/played', 0.2],
  ['http://adlnet.gov/expapi/verbs/answered', 0.15], ['http://adlnet.gov/expapi/verbs/completed', 0.07], ['http://adlnet.gov/expapi/verbs/passed', 0.03],
] as const;

/** How much of a course platform the statements come from. */
export interface Population {
  learners: number;
  courses: number;
  activitiesPerCourse: number;
}

/**
 * Statements of a course platform, about 1.2 KB each: learners and activities are Zipf-distributed (few are busy, many are
 * rare), registrations belong to a learner and a course.
 */
export function* generateStatements(seed: number, count: number, population: Population): Generator<Statement & { id: string }> {
  const random = createRandom(seed);
  const zipf = (n: number): number => Math.min(n - 1, Math.floor(Math.exp(random() * Math.log(n + 1))) - 1);
  const hex = (digits: number): string => Math.floor(random() * 16 ** digits).toString(16).padStart(digits, '0');
  const uuid = (): string => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`;
  for (let at = 0; at < count; at++) {
    const learner = zipf(population.learners);
    const course = learner % population.courses;
    const activity = zipf(population.activitiesPerCourse);
    let draw = random();
    const verb = verbs.find(([, share]) => (draw -= share) < 0)?.[0] ?? verbs[0][0];
    yield {
      id: uuid(),
      actor: { objectType: 'Agent', account: { homePage: 'https://lms.example.org', name: `learner-${learner}` }, name: `Learner ${learner}` },
      verb: { id: verb, display: { 'en-US': verb.slice(verb.lastIndexOf('/') + 1) } },
      object: {
        objectType: 'Activity', id: `https://lms.example.org/courses/${course}/activities/${activity}`,
        definition: {
          type: 'http://adlnet.gov/expapi/activities/lesson',
          name: { 'en-US': `Activity ${activity} of course ${course}`, 'de-DE': `Aktivität ${activity} des Kurses ${course}` },
          description: { 'en-US': 'What the learner does here, told in a sentence or two as course authors tell it.' },
        },
      },
      result: { completion: random() < 0.5, success: random() < 0.7, score: { scaled: Math.round(random() * 100) / 100, raw: Math.round(random() * 100), min: 0, max: 100 }, duration: `PT${Math.floor(random() * 3600)}S` },
      context: {
        registration: `${learner.toString(16).padStart(8, '0')}-0000-4000-a000-${course.toString(16).padStart(12, '0')}`,
        platform: 'Example LMS', language: 'en-US',
        contextActivities: {
          parent: [{ objectType: 'Activity', id: `https://lms.example.org/courses/${course}/modules/${activity % 10}` }],
          grouping: [{ objectType: 'Activity', id: `https://lms.example.org/courses/${course}` }],
          category: [{ objectType: 'Activity', id: 'https://w3id.org/xapi/cmi5/context/categories/cmi5' }],
        },
        extensions: { 'https://w3id.org/xapi/cmi5/context/extensions/sessionid': uuid(), 'https://lms.example.org/ext/client': { browser: 'Firefox 128', width: 1280, height: 720 } },
      },
      timestamp: new Date(1_700_000_000_000 + at * 20).toISOString(),
      version: '1.0.0',
    } as Statement & { id: string };
  }
}
