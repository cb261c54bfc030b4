import type { Statement } from '../src/xapi/types.js';

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

/** How much of a course platform the statements come from. */
export interface Population {
  learners: number;
  courses: number;
  activitiesPerCourse: number;
}

/** The population of the benchmarks. */
export const platform: Population = { learners: 20_000, courses: 50, activitiesPerCourse: 200 };

/** A statement that has its id. */
export type GeneratedStatement = Statement & { id: string };

const site = 'https://lms.example.org';
const modulesPerCourse = 10;

/** A learner; number 0 is the busiest. */
export function learnerAgent(learner: number): { objectType: 'Agent'; account: { homePage: string; name: string }; name: string } {
  return { objectType: 'Agent', account: { homePage: site, name: `learner-${learner}` }, name: `Learner ${learner}` };
}

/** Id of a course, which groups all that happens in it. */
export function courseId(course: number): string {
  return `${site}/courses/${course}`;
}

/** Id of a module, the parent of activities; one in ten of a course's activities has the same. */
export function moduleId(course: number, module: number): string {
  return `${site}/courses/${course}/modules/${module}`;
}

/** Id of a page, video or problem; number 0 is the busiest. */
export function activityId(course: number, activity: number): string {
  return `${site}/courses/${course}/activities/${activity}`;
}

/** The registration of a learner in a course. */
export function registrationOf(learner: number, course: number): string {
  return `${learner.toString(16).padStart(8, '0')}-0000-4000-a000-${course.toString(16).padStart(12, '0')}`;
}

/** Verbs of the statements; `answered` and `viewed` are among the busiest, `failed` is rare. */
export const verbs = {
  viewed: 'http://id.tincanapi.com/verb/viewed',
  initialized: 'http://adlnet.gov/expapi/verbs/initialized',
  terminated: 'http://adlnet.gov/expapi/verbs/terminated',
  played: 'https://w3id.org/xapi/video/verbs/played',
  paused: 'https://w3id.org/xapi/video/verbs/paused',
  seeked: 'https://w3id.org/xapi/video/verbs/seeked',
  completed: 'http://adlnet.gov/expapi/verbs/completed',
  answered: 'http://adlnet.gov/expapi/verbs/answered',
  passed: 'http://adlnet.gov/expapi/verbs/passed',
  failed: 'http://adlnet.gov/expapi/verbs/failed',
  progressed: 'http://adlnet.gov/expapi/verbs/progressed',
} as const;

type Kind = 'page' | 'video' | 'problem';
type Event = { verb: keyof typeof verbs; of: Kind | 'module'; share: number };

/** What happens on a course platform, and how often. */
const events: readonly Event[] = [
  { verb: 'viewed', of: 'page', share: 0.28 }, { verb: 'initialized', of: 'module', share: 0.08 }, { verb: 'terminated', of: 'module', share: 0.06 },
  { verb: 'played', of: 'video', share: 0.12 }, { verb: 'paused', of: 'video', share: 0.09 }, { verb: 'seeked', of: 'video', share: 0.04 },
  { verb: 'completed', of: 'video', share: 0.03 },
  { verb: 'answered', of: 'problem', share: 0.21 },
  { verb: 'passed', of: 'module', share: 0.02 }, { verb: 'failed', of: 'module', share: 0.01 }, { verb: 'completed', of: 'module', share: 0.02 },
  { verb: 'progressed', of: 'module', share: 0.04 },
];

/** What each ten activities of a course are. */
const kinds: readonly Kind[] = ['problem', 'video', 'problem', 'page', 'video', 'page', 'problem', 'page', 'video', 'page'];

const topics = ['energy', 'the cell', 'supply and demand', 'linear maps', 'the printing press', 'irregular verbs', 'photosynthesis', 'recursion', 'the water cycle', 'probability'];
const types: Record<Kind | 'module' | 'course', string> = {
  page: 'http://id.tincanapi.com/activitytype/page', video: 'https://w3id.org/xapi/video/activity-type/video',
  problem: 'http://adlnet.gov/expapi/activities/cmi.interaction', module: 'http://adlnet.gov/expapi/activities/module',
  course: 'http://adlnet.gov/expapi/activities/course',
};
const video = 'https://w3id.org/xapi/video/extensions';

/**
 * Statements of a course platform, about 1.2 KB each: navigation, video, problem checks and grades. Learners and activities
 * are Zipf-distributed (few are busy, many are rare); a learner takes one to three courses, with a registration in each.
 */
export function* generateStatements(seed: number, count: number, population: Population): Generator<GeneratedStatement> {
  const random = createRandom(seed);
  const below = (n: number): number => Math.floor(random() * n);
  const zipf = (n: number): number => Math.min(n - 1, Math.floor(Math.exp(random() * Math.log(n + 1))) - 1);
  const hex = (digits: number): string => below(16 ** digits).toString(16).padStart(digits, '0');
  const uuid = (): string => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(6)}${hex(6)}`;
  for (let at = 0; at < count; at++) {
    const learner = zipf(population.learners);
    const course = (learner + 7 * zipf(3)) % population.courses;
    let draw = random();
    const event = events.find(({ share }) => (draw -= share) < 0) ?? events[0]!;
    const activity = activityOf(event.of, zipf(population.activitiesPerCourse), population.activitiesPerCourse);
    const module = activity % modulesPerCourse;
    yield {
      id: uuid(),
      actor: learnerAgent(learner),
      verb: { id: verbs[event.verb], display: { 'en-US': event.verb } },
      object: event.of === 'module' ? moduleObject(course, module) : activityObject(event.of, course, activity),
      ...resultOf(event, random),
      context: {
        registration: registrationOf(learner, course),
        contextActivities: {
          ...(event.of === 'module' ? {} : { parent: [{ id: moduleId(course, module) }] }),
          grouping: [{ id: courseId(course), definition: { type: types.course } }],
          category: [{ id: event.of === 'video' ? 'https://w3id.org/xapi/video' : 'https://w3id.org/xapi/cmi5/context/categories/cmi5' }],
        },
        platform: 'Example LMS', language: 'en-US',
        extensions: {
          'https://w3id.org/xapi/cmi5/context/extensions/sessionid': sessionOf(learner, course, at >>> 12),
          ...(event.of === 'video' ? { [`${video}/length`]: 300 + 7 * activity } : {}),
        },
      },
      timestamp: new Date(1_700_000_000_000 + at * 20).toISOString(),
    } as GeneratedStatement;
  }
}

/** The activity of a kind that is nearest to a number, in the same ten. */
function activityOf(kind: Kind | 'module', number: number, activities: number): number {
  if (kind === 'module' || kinds[number % 10] === kind) return number;
  const ten = number - (number % 10);
  const ofKind = kinds.flatMap((other, index) => (other === kind && ten + index < activities ? [ten + index] : []));
  return ofKind.length === 0 ? number : ofKind[number % ofKind.length]!;
}

function sessionOf(learner: number, course: number, hour: number): string {
  const number = createRandom(learner * 1009 + course * 31 + hour);
  const hex = (digits: number): string => Math.floor(number() * 16 ** digits).toString(16).padStart(digits, '0');
  return `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(6)}${hex(6)}`;
}

function moduleObject(course: number, module: number): object {
  return {
    objectType: 'Activity', id: moduleId(course, module),
    definition: {
      type: types.module,
      name: { 'en-US': `Module ${module + 1}: ${topics[module % topics.length]}` },
      description: { 'en-US': `Texts, films and exercises on ${topics[module % topics.length]}, for about a week, with a graded test at its end.` },
    },
  };
}

function activityObject(kind: Kind, course: number, activity: number): object {
  const topic = topics[(course + activity) % topics.length]!;
  const title = { page: 'Reading', video: 'Film', problem: 'Exercise' }[kind];
  const name = { 'en-US': `${title} ${activity}: ${topic}` };
  const id = activityId(course, activity);
  if (kind !== 'problem') {
    const description = { 'en-US': `What has to be known of ${topic} before the exercises of this module, told by examples from everyday life.` };
    return { objectType: 'Activity', id, definition: { type: types[kind], name, description } };
  }
  return {
    objectType: 'Activity', id,
    definition: {
      type: types.problem, name, description: { 'en-US': `Which of the following is true of ${topic}?` },
      interactionType: 'choice', correctResponsesPattern: [`choice_${activity % 4}`],
      choices: [0, 1, 2, 3].map((choice) => ({ id: `choice_${choice}`, description: { 'en-US': `Answer ${choice + 1} on ${topic}` } })),
    },
  };
}

function resultOf({ verb, of }: Event, random: () => number): { result?: object } {
  const below = (n: number): number => Math.floor(random() * n);
  const seconds = (n: number): number => Math.round(random() * n * 1000) / 1000;
  if (of === 'problem') {
    const success = random() < 0.6;
    return { result: { response: `choice_${below(4)}`, success, score: { scaled: success ? 0.9 : 0.1, raw: success ? 9 : 1, min: 0, max: 10 }, extensions: { [`${site}/extensions/attempt`]: 1 + below(3) } } };
  }
  if (of === 'video') {
    const time = seconds(300);
    const extensions = {
      [`${video}/time`]: time, [`${video}/progress`]: Math.round(time / 3) / 100, [`${video}/played-segments`]: `0[.]${time}`,
      ...(verb === 'seeked' ? { [`${video}/time-from`]: time, [`${video}/time-to`]: seconds(300) } : {}),
    };
    return { result: verb === 'completed' ? { completion: true, duration: `PT${time}S`, extensions } : { extensions } };
  }
  const duration = `PT${1 + below(90)}M${below(60)}S`;
  if (verb === 'progressed') return { result: { duration, extensions: { 'https://w3id.org/xapi/cmi5/result/extensions/progress': below(101) } } };
  if (verb === 'completed') return { result: { completion: true, duration } };
  if (verb === 'terminated') return { result: { duration } };
  if (verb !== 'passed' && verb !== 'failed') return {};
  // Within its bounds: a peer refuses a raw score that is one of them.
  const raw = verb === 'passed' ? 60 + below(40) : 1 + below(59);
  return { result: { success: verb === 'passed', score: { scaled: raw / 100, raw, min: 0, max: 100 }, duration } };
}
