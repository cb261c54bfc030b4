import type { CanonicalStore } from '../statements/store.js';
import { readIri, rejectUnknown, required, type Query } from '../xapi/parameters.js';
import type { Activity, ActivityDefinition } from '../xapi/types.js';

const section = 'xAPI 1.0.3 Part Three 2.5; IEEE 9274.1.1 4.1.6.4';

/**
 * The full Activity object that a request asks for: its definition is merged from everything that statements said of it.
 * An activity that no statement defined is answered without a definition, never with 404.
 * @throws QuipuError `invalid-parameter`
 */
export async function findActivity(canonical: CanonicalStore, tenant: string, query: Query): Promise<Activity> {
  rejectUnknown(query, ['activityId'], section);
  const id = required(readIri(query, 'activityId', section), 'activityId', section);
  const [definition] = await canonical.definitions(tenant, [id]);
  return { objectType: 'Activity', id, ...(definition === undefined ? {} : { definition: JSON.parse(definition) as ActivityDefinition }) };
}
