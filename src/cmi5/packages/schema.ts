// The types of summary, tags and the like in route schemas.
import type {} from '@fastify/swagger';
import { problem } from '../../xapi/error-schema.js';
import { courseModes } from './records.js';
import { comparedProperties } from './version-diff.js';

const id = { type: 'string', maxLength: 200 } as const;
const text = { type: 'string' } as const;
const time = { type: 'string', description: 'ISO 8601 in UTC' } as const;
const count = { type: 'integer', minimum: 0 } as const;
const texts = { type: 'array', items: text } as const;
const mode = { type: 'string', enum: courseModes, description: 'How the course judges statements: compat takes in what real tools get wrong, and records a finding' } as const;
const langStrings = { type: 'array', description: 'A text in languages', items: { type: 'object', required: ['text'], properties: { lang: text, text } } } as const;
const anything = { type: 'object', additionalProperties: true } as const;

const tenant = {
  type: 'string', maxLength: 40,
  description: "The tenant this is about; the credential's own when left out. Only the scope `admin` may name another.",
} as const;

/** How the refusal of a package is answered. */
export const packageProblem = {
  ...problem,
  properties: {
    ...problem.properties,
    faults: {
      type: 'array', description: 'Of invalid-package: everything that is wrong',
      items: { ...anything, properties: { rule: text, requirement: text, section: text, message: text, hint: text, line: count, column: count, path: text } },
    },
  },
} as const;

const query = <T extends object>(properties: T) => ({ type: 'object', additionalProperties: false, properties: { tenant, ...properties } }) as const;

export const tenantQuery = query({});
export const importQuery = query({ course: { ...id, description: 'The course that the package has to be a version of' }, mode });
export const listQuery = query({ after: { ...id, description: 'Go on after this id' }, limit: { type: 'integer', minimum: 1, maximum: 1000, default: 100 } });
export const courseQuery = query({ version: { ...id, description: 'Id of a version; the current one when left out' } });
export const exportQuery = courseQuery;
export const deleteQuery = query({ force: { type: 'boolean', default: false, description: 'Also while there are registrations' } });
export const courseParams = { type: 'object', required: ['id'], properties: { id } } as const;
export const modeBody = { type: 'object', required: ['mode'], additionalProperties: false, properties: { mode } } as const;

const courseProperties = {
  id: text, publisherId: { type: 'string', description: "The publisher's id" }, title: langStrings, mode,
  node: { type: 'string', description: 'Activity id that the LMS has given the course' }, created: time, updated: time,
  version: { type: 'string', description: 'Id of the current version' }, versionCount: count,
} as const;
const courseRequired = ['id', 'publisherId', 'title', 'mode', 'node', 'created', 'updated', 'version', 'versionCount'] as const;

/** A course in a list. */
export const course = { type: 'object', required: courseRequired, properties: courseProperties } as const;
export const courses = { type: 'object', required: ['courses'], properties: { courses: { type: 'array', items: course } } } as const;

const version = {
  type: 'object', required: ['id', 'number', 'imported', 'by', 'sha256', 'length', 'kind'],
  properties: { id: text, number: { type: 'integer', minimum: 1 }, imported: time, by: { type: 'string', description: 'Id of the credential' }, sha256: text, length: { ...count, description: 'Bytes of the package' }, kind: { type: 'string', enum: ['zip', 'xml'] } },
} as const;

/** A course with the structure of one version. */
export const detail = {
  type: 'object', required: [...courseRequired, 'shown', 'description', 'units', 'blocks', 'structure', 'versions'],
  properties: {
    ...courseProperties, description: langStrings, shown: version,
    units: {
      type: 'array', description: 'AUs in document order',
      items: { ...anything, required: ['index', 'node', 'publisherId'], properties: { index: count, node: { type: 'string', description: 'Activity id that the LMS has given the AU' }, publisherId: text } },
    },
    blocks: { type: 'array', items: { type: 'object', required: ['publisherId', 'node', 'title'], properties: { publisherId: text, node: text, title: langStrings } } },
    structure: { ...anything, description: 'Blocks and AUs as they are nested' },
    versions: { type: 'array', description: 'Oldest first', items: version },
  },
} as const;

/** What became of an import. */
export const imported = {
  type: 'object', required: ['course', 'version', 'number', 'created', 'diff'],
  properties: {
    course: text, version: text, number: { type: 'integer', minimum: 1 },
    created: { type: 'boolean', description: 'False when the package is the current version already, byte for byte' },
    diff: {
      type: 'object', description: "AUs by the publisher's ids, compared with the version before", required: ['added', 'removed', 'changed', 'kept'],
      properties: {
        added: texts, removed: texts, kept: texts,
        changed: { type: 'array', items: { type: 'object', required: ['unit', 'properties'], properties: { unit: text, properties: { type: 'array', items: { type: 'string', enum: comparedProperties } } } } },
      },
    },
  },
} as const;
