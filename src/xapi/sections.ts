import type { XapiVersion } from './types.js';

/** Where each topic stands: in Part Two of xAPI 1.0.3, and in IEEE 9274.1.1 (xAPI 2.0.0). */
const sections = {
  formatting: ['2.2', '4.2.1'],
  voiding: ['2.3.2', '4.2.5'],
  statement: ['2.4', '4.2.2'],
  id: ['2.4.1', '4.2.2'],
  agent: ['2.4.2.1', '4.2.2.1'],
  group: ['2.4.2.2', '4.2.2.1'],
  identifier: ['2.4.2.3', '4.2.2.1'],
  account: ['2.4.2.4', '4.2.2.1'],
  verb: ['2.4.3', '4.2.2.2'],
  object: ['2.4.4', '4.2.2.3'],
  activity: ['2.4.4.1', '4.2.2.3'],
  objectActor: ['2.4.4.2', '4.2.2.3'],
  objectStatement: ['2.4.4.3', '4.2.2.3'],
  result: ['2.4.5', '4.2.2.4'],
  score: ['2.4.5.1', '4.2.2.4'],
  context: ['2.4.6', '4.2.2.5'],
  registration: ['2.4.6.1', '4.2.2.5'],
  contextActivities: ['2.4.6.2', '4.2.2.5'],
  timestamp: ['2.4.7', '4.2.2'],
  stored: ['2.4.8', '4.2.4.2'],
  authority: ['2.4.9', '4.2.2'],
  version: ['2.4.10', '4.2.2'],
  attachments: ['2.4.11', '4.2.2.6'],
  signing: ['2.6', '4.2.6'],
  extensions: ['4.1', '4.2.7'],
  languageMaps: ['4.2', '4.2.7'],
  iris: ['4.3', '4.2.7'],
  uuids: ['4.4', '4.2.7'],
  timestamps: ['4.5', '4.2.7'],
  durations: ['4.6', '4.2.7'],
} as const;

/** A subject of the standard's data model that has a section of its own in at least one version. */
export type Topic = keyof typeof sections;

/** @returns the citation used in error messages, such as `xAPI 1.0.3 Part Two 2.4.2.3` or `IEEE 9274.1.1 4.2.2.1`. */
export function sectionOf(topic: Topic, version: XapiVersion): string {
  const [first, second] = sections[topic];
  return version === '1.0.3' ? `xAPI 1.0.3 Part Two ${first}` : `IEEE 9274.1.1 ${second}`;
}
