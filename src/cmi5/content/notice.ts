import type { FastifyReply, FastifyRequest } from 'fastify';
import type { QuipuError } from '../../xapi/errors.js';
import { noticeHeaders, noticePage, type Notice } from './notice-page.js';

const askForHelp = 'If this happens again, show this page to whoever gave you the content.';

/**
 * Refuses a navigation with words for the learner.
 * @param returnURL where the learner goes from here
 */
export function sendNotice(request: FastifyRequest, reply: FastifyReply, error: QuipuError, returnURL?: string): FastifyReply {
  const { retryAfter, headers } = error.details;
  const notice: Omit<Notice, 'detail'> = error.code === 'launch-ended'
    ? { title: 'This launch has ended', text: 'The content was finished or closed, it was opened anew elsewhere, or nothing was done in it for a long time. To go on, open it again from where you started it.' }
    : error.status === 404 || error.status === 421
      ? { title: 'There is no such page', text: `The content has no page at this address. ${askForHelp}` }
      : { title: 'This page can’t be shown now', text: `Please try again in a moment. ${askForHelp}` };
  request.log.debug({ code: error.code, reason: error.message }, 'request refused');
  return reply.code(error.status).headers({ ...noticeHeaders, ...headers, ...(retryAfter === undefined ? {} : { 'Retry-After': String(retryAfter) }) }).send(noticePage({
    ...notice, detail: `${error.message} (${error.code}, request ${request.id})`, ...(returnURL === undefined ? {} : { next: { url: returnURL, label: 'Go back' } }),
  }));
}
