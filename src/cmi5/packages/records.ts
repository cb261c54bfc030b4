import type { CollectionSpec } from '../../records/store.js';
import { unitsOf, type AssignableUnit, type CourseStructure, type LangString } from '../course/structure.js';

/** How a course judges statements: `compat` takes in what real tools get wrong, and records a finding. */
export const courseModes = ['strict', 'compat'] as const;
export type CourseMode = (typeof courseModes)[number];

/** A course, under a UUID of its own. Times are ISO 8601 in UTC. */
export interface CourseRecord {
  /** The publisher's id, unaltered: one course of a tenant has it. */
  publisherId: string;
  /** That of the current version. */
  title: LangString[];
  created: string;
  /** When its last version came. */
  updated: string;
  mode: CourseMode;
  /** Id of the version that new registrations get. */
  current: string;
  /** Ids of all versions, oldest first; a version that is not in it does not exist. */
  versions: string[];
  /** Activity id that the LMS has given it. */
  node: string;
}

/** One package that came in for a course, under a UUID of its own. Never changed once its course lists it. */
export interface VersionRecord {
  /** Id of its course. */
  course: string;
  /** From 1. */
  number: number;
  /** ISO 8601 in UTC. */
  imported: string;
  /** Id of the credential. */
  by: string;
  /** SHA-256 of the package, lower-case hex. */
  sha256: string;
  /** Bytes of the package. */
  length: number;
  /** A zip, or a cmi5.xml alone whose AUs are elsewhere. */
  kind: 'zip' | 'xml';
  /** Media type that the package came with, when it is not application/zip for a zip or text/xml for an XML. */
  contentType?: string;
  /** Id of the package in the ContentStore. */
  package: string;
  structure: CourseStructure;
  /** Activity ids that the LMS has given the AUs, by AU index. The same publisher's id has the same one in each version. */
  nodes: string[];
  /** The same of the blocks, in the order of `blocksOf`. */
  blockNodes: string[];
  /** Present while it comes or goes, so that what a dead process leaves is found; whether it exists its course says. */
  pending?: 'yes';
}

export const courseRecords: CollectionSpec<CourseRecord> = { name: 'cmi5-courses', indexes: [], unique: ['publisherId'] };
export const versionRecords: CollectionSpec<VersionRecord> = { name: 'cmi5-versions', indexes: ['course', 'pending'], unique: [] };

/** An AU of a version, with the id that the LMS has given it. */
export interface PlacedUnit {
  unit: AssignableUnit;
  node: string;
}

/** An AU of a version by its index, the LMS's id or the publisher's. Undefined when there is none. */
export function unitOf({ structure, nodes }: Pick<VersionRecord, 'structure' | 'nodes'>, named: number | string): PlacedUnit | undefined {
  const units = unitsOf(structure);
  const byNode = typeof named === 'string' ? nodes.indexOf(named) : named;
  const unit = units[byNode] ?? units.find(({ publisherId }) => publisherId === named);
  return unit && { unit, node: nodes[unit.index]! };
}
