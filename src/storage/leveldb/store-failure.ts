import { QuipuError } from '../../xapi/errors.js';

/** What a failed read or write becomes for the caller. */
export function unavailable(error: unknown): QuipuError {
  const text = error instanceof Error ? `${error.message} ${error.cause instanceof Error ? error.cause.message : ''}` : String(error);
  if (/no space left|ENOSPC|EDQUOT|disk quota/i.test(text)) return storageFull();
  return new QuipuError('store-unavailable', 'The store does not answer at the moment; nothing of this request is known to be stored. Send it again.', { retryAfter: 2 });
}

/** No room for another write. */
export function storageFull(): QuipuError {
  return new QuipuError('storage-full', 'The disk that holds the data folder is full, or has less room than QUIPU_MIN_FREE_BYTES asks for; nothing of this request was stored. It can be sent again when there is room.', { retryAfter: 5 });
}
