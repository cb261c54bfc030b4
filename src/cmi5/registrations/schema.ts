// The types of summary, tags and the like in route schemas.
import type {} from '@fastify/swagger';
import { launchModes } from '../rules/state.js';

const uuid = { type: 'string', pattern: '^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$' } as const;
const time = { type: 'string', description: 'ISO 8601 in UTC' } as const;
const agent = { type: 'object', additionalProperties: true, description: 'An xAPI Agent with an account (cmi5 9.2)' } as const;
const tenant = { type: 'string', maxLength: 40, description: "The tenant this is about; the credential's own when left out. Only the scope `admin` may name another." } as const;
const page = { after: { type: 'string', maxLength: 200, description: 'Go on after this id' }, limit: { type: 'integer', minimum: 1, maximum: 1000, default: 100 } } as const;

/** Query string of what is about one tenant. */
export const tenantQuery = { type: 'object', additionalProperties: false, properties: { tenant } } as const;

/** Path with an id. */
export const idParams = { type: 'object', required: ['id'], properties: { id: uuid } } as const;

/** Body that enrols a learner. */
export const newRegistration = {
  type: 'object', additionalProperties: false, required: ['course'],
  properties: {
    course: { type: 'string', maxLength: 100, description: 'Id of the course' },
    learner: agent,
    actor: { ...agent, description: 'Another name of `learner`' },
    registration: { ...uuid, description: 'Made when left out' },
  },
} as const;

/** Body that moves a registration. */
export const newVersion = { type: 'object', additionalProperties: false, required: ['version'], properties: { version: { type: 'string', maxLength: 100, description: 'Id of a version of the same course' } } } as const;

/** Query string of the list of registrations. */
export const registrationQuery = {
  type: 'object', additionalProperties: false,
  properties: { course: { type: 'string', maxLength: 100 }, learner: { type: 'string', maxLength: 4000, description: 'An Agent as JSON' }, ...page, tenant },
} as const;

/** A registration. */
export const registration = {
  type: 'object', required: ['id', 'course', 'version', 'learner', 'created', 'satisfied'],
  properties: {
    id: { type: 'string' }, course: { type: 'string' }, version: { type: 'string', description: 'The version of the course that it is pinned to' }, learner: agent, created: time,
    preview: { type: 'boolean' }, satisfied: { type: 'boolean', description: 'Whether the course is satisfied' },
    session: { type: 'string', description: 'Id of the session under way, if there is one' },
  },
} as const;

/** A list of registrations. */
export const registrationList = { type: 'object', required: ['registrations'], properties: { registrations: { type: 'array', items: registration } } } as const;

const namedUnit = { anyOf: [{ type: 'integer', minimum: 0 }, { type: 'string', maxLength: 4000 }], description: "Index of the AU, the id that the LMS has given it, or the publisher's id" } as const;
const launchParts = {
  unit: namedUnit,
  mode: { type: 'string', enum: launchModes, description: 'When left out: Review where the AU was completed and passed, otherwise Normal' },
  returnURL: { type: 'string', maxLength: 4000, description: 'Where the AU sends the learner at its end: http or https' },
} as const;

/** Body that launches an AU. */
export const newLaunch = { type: 'object', additionalProperties: false, required: ['unit'], properties: launchParts } as const;

/** Body that launches an AU without a registration. */
export const newPreview = { type: 'object', additionalProperties: false, required: ['course', 'unit'], properties: { course: { type: 'string', maxLength: 100, description: 'Id of the course' }, ...launchParts } } as const;

/** A launch: what is left is to send a browser to its URL. */
export const launch = {
  type: 'object', required: ['registration', 'session', 'url', 'mode', 'launchMethod', 'unit', 'activityId', 'expires'],
  properties: {
    registration: { type: 'string' }, session: { type: 'string' }, url: { type: 'string', description: 'For one browser and one visit' }, mode: { type: 'string', enum: launchModes },
    launchMethod: { type: 'string', enum: ['OwnWindow', 'AnyWindow'], description: 'OwnWindow: not in a frame' }, unit: { type: 'integer', minimum: 0 },
    activityId: { type: 'string', description: 'The activity id that the LMS has given the AU' }, expires: { ...time, description: 'When it is abandoned unless the AU says something' },
  },
} as const;

/** Body that waives an AU. */
export const newWaiver = {
  type: 'object', additionalProperties: false, required: ['unit', 'reason'],
  properties: { unit: namedUnit, reason: { type: 'string', description: 'Such as Tested Out, Equivalent AU, Equivalent Outside Activity or Administrative (cmi5 9.5.5.2)' } },
} as const;

/** A waiver that holds. */
export const waiver = {
  type: 'object', required: ['registration', 'unit', 'statement', 'repeated'],
  properties: { registration: { type: 'string' }, unit: { type: 'integer', minimum: 0 }, statement: { type: 'string', description: 'Id of the statement' }, repeated: { type: 'boolean', description: 'Whether it was there already' } },
} as const;

/** Query string of the status. */
export const statusQuery = { type: 'object', additionalProperties: false, properties: { explain: { type: 'string', enum: ['', 'true', 'false'], description: 'Also the tree of blocks and AUs: what each asks for, what holds, and the statements that decided' }, tenant } } as const;

/** How far a registration is. */
export const status = {
  type: 'object', required: ['registration', 'course', 'version', 'satisfied', 'units'],
  properties: {
    registration: { type: 'string' }, course: { type: 'string' }, version: { type: 'string' }, satisfied: { type: 'boolean', description: 'Whether the course is' },
    units: {
      type: 'array', items: {
        type: 'object', additionalProperties: true, required: ['index', 'node', 'publisherId', 'moveOn', 'satisfied'],
        properties: { index: { type: 'integer' }, node: { type: 'string' }, publisherId: { type: 'string' }, moveOn: { type: 'string' }, satisfied: { type: 'boolean' } },
      },
    },
    session: { type: 'object', additionalProperties: true, description: 'The last one' },
    explanation: { type: 'object', additionalProperties: true, description: 'With `explain`' },
  },
} as const;

/** A session that was abandoned. */
export const abandoned = { type: 'object', required: ['session', 'registration', 'abandoned'], properties: { session: { type: 'string' }, registration: { type: 'string' }, abandoned: time } } as const;

/** Query string of the list of sessions. */
export const sessionQuery = {
  type: 'object', additionalProperties: false,
  properties: { registration: uuid, course: { type: 'string', maxLength: 100 }, active: { type: 'boolean', description: 'Only those under way, or only those that have ended' }, ...page, tenant },
} as const;

/** A launch of an AU and what it has come to. */
export const session = {
  type: 'object', required: ['id', 'registration', 'course', 'version', 'unit', 'unitIndex', 'mode', 'launched', 'active'],
  properties: {
    id: { type: 'string' }, registration: { type: 'string' }, course: { type: 'string' }, version: { type: 'string' }, unit: { type: 'string', description: 'The activity id that the LMS has given the AU' },
    unitIndex: { type: 'integer', minimum: 0 }, mode: { type: 'string', enum: launchModes }, learner: agent, launched: time, fetched: { ...time, description: 'When the AU fetched its token' },
    preferences: { ...time, description: 'When the AU asked for the learner preferences' }, returnURL: { type: 'string' }, preview: { type: 'boolean' },
    active: { type: 'boolean' }, ended: time, how: { type: 'string', enum: ['terminated', 'abandoned'] },
  },
} as const;

/** A list of sessions. */
export const sessionList = { type: 'object', required: ['sessions'], properties: { sessions: { type: 'array', items: session } } } as const;

/** Query string of the list of findings. */
export const findingQuery = { type: 'object', additionalProperties: false, properties: { ...page, tenant } } as const;

/** What a session was refused, or what was found in what it was not. */
export const findingList = {
  type: 'object', required: ['findings'],
  properties: {
    findings: {
      type: 'array', items: {
        type: 'object', required: ['id', 'session', 'registration', 'at', 'kind', 'request', 'cut'],
        properties: {
          id: { type: 'string' }, session: { type: 'string' }, registration: { type: 'string' }, at: time,
          kind: { type: 'string', enum: ['refusal', 'finding', 'statement'], description: 'statement: one of a preview that was taken in' },
          breach: {
            type: 'object', additionalProperties: true, description: 'The rule that was broken',
            properties: { rule: { type: 'string' }, requirement: { type: 'string' }, section: { type: 'string' }, message: { type: 'string' }, hint: { type: 'string' }, pointer: { type: 'string' }, expected: { type: 'boolean', description: 'Content that does nothing wrong runs into it, and nothing is lost: no reason for an alarm' } },
          },
          request: { type: 'string', description: 'JSON of the statement, or what was asked of a document' }, cut: { type: 'boolean', description: 'Whether the request was longer' },
          index: { type: 'integer', minimum: 0, description: 'Of the statement in its batch' },
        },
      },
    },
  },
} as const;
