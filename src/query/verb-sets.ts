/**
 * Verbs that say the same thing. The same concept has several IRIs in the wild, so the views match whole sets
 * (docs/analytics.md lists them).
 */
export const verbSets = {
  enrolled: [
    'http://adlnet.gov/expapi/verbs/registered', 'https://w3id.org/xapi/adl/verbs/registered',
    'http://www.tincanapi.co.uk/verbs/enrolled_onto_learning_plan', 'https://w3id.org/xapi/dod-isd/verbs/enrolled', 'http://activitystrea.ms/schema/1.0/join', 'http://activitystrea.ms/join',
  ],
  left: [
    'http://id.tincanapi.com/verb/unregistered', 'http://adlnet.gov/expapi/verbs/unregistered', 'https://w3id.org/xapi/adl/verbs/abandoned',
    'http://activitystrea.ms/schema/1.0/leave', 'http://activitystrea.ms/leave',
  ],
  completed: [
    'http://adlnet.gov/expapi/verbs/completed', 'https://w3id.org/xapi/adl/verbs/satisfied', 'https://w3id.org/xapi/video/verbs/completed',
    'http://activitystrea.ms/schema/1.0/complete', 'http://activitystrea.ms/complete',
  ],
  passed: ['http://adlnet.gov/expapi/verbs/passed'],
  failed: ['http://adlnet.gov/expapi/verbs/failed'],
  answered: ['http://adlnet.gov/expapi/verbs/answered', 'http://adlnet.gov/expapi/verbs/responded'],
  evaluated: ['https://w3id.org/xapi/acrossx/verbs/evaluated', 'http://www.tincanapi.co.uk/verbs/evaluated'],
  video: [
    'https://w3id.org/xapi/video/verbs/played', 'https://w3id.org/xapi/video/verbs/paused', 'https://w3id.org/xapi/video/verbs/seeked',
    'http://adlnet.gov/expapi/verbs/initialized', 'http://adlnet.gov/expapi/verbs/completed', 'http://adlnet.gov/expapi/verbs/terminated',
  ],
} as const;

/** Activity types of a course. */
export const courseTypes = ['http://adlnet.gov/expapi/activities/course', 'https://w3id.org/xapi/cmi5/activitytype/course', 'http://id.tincanapi.com/activitytype/lms/course'] as const;
