import type { Document } from 'mongodb';
import { indexes } from '../../../src/storage/mongodb/indexes.js';

/** Collections that hold a few rows for each process or tenant and are read whole. */
const small = new Set(['processes', 'heads']);
/** GridFS's own, which the driver makes. */
const ownOfDriver: { collection: string; key: Record<string, 1 | -1> }[] = [
  { collection: 'attachments.chunks', key: { files_id: 1, n: 1 } },
  { collection: 'attachments.files', key: { filename: 1, uploadDate: 1 } },
];

/** A filter with its sort, as a command sends it. */
export interface SentQuery {
  collection: string;
  filter: Document;
  sort: Document;
}

/** The filters in a command; none in one that only writes or is about something else. */
export function queriesIn(command: Document): SentQuery[] {
  const [name] = Object.keys(command);
  const collection = String(command[name!]);
  const of = (filter: unknown, sort: unknown = {}): SentQuery => ({ collection, filter: filter as Document, sort: sortOf(sort) });
  switch (name) {
    case 'find': return [of(command.filter, command.sort)];
    case 'findAndModify': return [of(command.query, command.sort)];
    case 'distinct': case 'count': return [of(command.query)];
    case 'update': return (command.updates as Document[]).map(({ q }) => of(q));
    case 'delete': return (command.deletes as Document[]).map(({ q }) => of(q));
    case 'aggregate': return [of((command.pipeline as Document[])[0]?.$match ?? {})];
    default: return [];
  }
}

/**
 * Whether a query begins with the fields of a declared index: equality of the first ones, then what it sorts by or a range. `_id` is
 * an index too.
 */
export function isCovered({ collection, filter, sort }: SentQuery): boolean {
  if (Array.isArray(filter.$or)) return (filter.$or as Document[]).every((branch) => isCovered({ collection, filter: branch, sort: {} }));
  const fields = conditions(filter);
  const keys = [...indexes, ...ownOfDriver].filter((index) => index.collection === collection).map(({ key }) => Object.keys(key));
  if (Object.keys(filter).length === 0 && Object.keys(sort).length === 0) return small.has(collection);
  return [['_id'], ...keys].some((key) => serves(key, fields, Object.keys(sort)));
}

function serves(key: string[], fields: Map<string, 'equal' | 'range'>, sort: string[]): boolean {
  let at = 0;
  while (at < key.length && fields.get(key[at]!) === 'equal') at++;
  if (sort.length > 0) {
    // A field that is held equal may stand in the sort as well.
    const left = sort.filter((field) => !key.slice(0, at).includes(field));
    return (at > 0 || key[0] === sort[0]) && left.every((field, index) => key[at + index] === field);
  }
  return at > 0 || fields.get(key[0]!) === 'range';
}

function conditions(filter: Document): Map<string, 'equal' | 'range'> {
  const found = new Map<string, 'equal' | 'range'>();
  for (const [field, condition] of Object.entries(filter)) {
    if (field === '$and') {
      for (const part of condition as Document[]) for (const [name, kind] of conditions(part)) found.set(name, kind);
      continue;
    }
    const operators = isOperators(condition) ? Object.keys(condition) : ['$eq'];
    if (operators.some((operator) => operator === '$eq' || operator === '$in')) found.set(field, 'equal');
    else if (operators.some((operator) => ['$gt', '$gte', '$lt', '$lte'].includes(operator))) found.set(field, 'range');
  }
  return found;
}

function isOperators(condition: unknown): condition is Document {
  return typeof condition === 'object' && condition !== null && Object.getPrototypeOf(condition) === Object.prototype && Object.keys(condition).every((key) => key.startsWith('$')) && Object.keys(condition).length > 0;
}

function sortOf(sort: unknown): Document {
  return sort instanceof Map ? Object.fromEntries(sort as Map<string, unknown>) : ((sort ?? {}) as Document);
}
