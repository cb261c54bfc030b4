import type { Activity, Actor, StatementObject, StatementRef, SubStatement } from './types.js';

/** Whether an Object is an Activity, which is what an Object without `objectType` is (xAPI 1.0.3 Part Two 2.4.4). */
export function isActivity(object: StatementObject): object is Activity {
  return object.objectType === undefined || object.objectType === 'Activity';
}

/** Whether an Object is an Agent or Group (xAPI 1.0.3 Part Two 2.4.4.2: there `objectType` must be given). */
export function isActor(object: StatementObject): object is Actor {
  return object.objectType === 'Agent' || object.objectType === 'Group';
}

/** Whether an Object is a reference to another statement (xAPI 1.0.3 Part Two 2.4.4.3). */
export function isStatementRef(object: StatementObject): object is StatementRef {
  return object.objectType === 'StatementRef';
}

/** Whether an Object is a statement inside the statement (xAPI 1.0.3 Part Two 2.4.4.3). */
export function isSubStatement(object: StatementObject): object is SubStatement {
  return object.objectType === 'SubStatement';
}
