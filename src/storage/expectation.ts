import type { Document, Expectation } from '../documents/store.js';

/** Whether what a write expects holds of the document that is there. */
export function holds(expected: Expectation, known: Pick<Document, 'etag'> | undefined): boolean {
  switch (expected.kind) {
    case 'any': return true;
    case 'absent': return known === undefined;
    case 'present': return known !== undefined;
    case 'etag': return known !== undefined && expected.etags.includes(known.etag);
    case 'not-etag': return known === undefined || !expected.etags.includes(known.etag);
  }
}
