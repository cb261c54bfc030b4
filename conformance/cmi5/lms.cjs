'use strict';

/*
 * What CATAPULT's LMS test suite calls to drive Quipu (its variable CATAPULT_LMS names this file). It uses Quipu's plain HTTP API:
 * nothing here is made for the suite. QUIPU_URL, QUIPU_KEY and QUIPU_SECRET say where the server is; the suite runs in its folder `lts`.
 */
const http = require('http');
const { join } = require('path');
const { InvalidPackageError } = require(join(process.cwd(), 'lib', 'errors'));

const authorization = `Basic ${Buffer.from(`${process.env.QUIPU_KEY}:${process.env.QUIPU_SECRET}`).toString('base64')}`;
/** Courses that the running test has imported. */
let courses = [];

/**
 * One request to the server.
 * @param body a stream, or a value that is sent as JSON
 * @returns status, text and the JSON of the answer (undefined when it is none)
 */
function ask(method, path, body, contentType = 'application/json') {
  return new Promise((resolve, reject) => {
    const headers = { Authorization: authorization, ...(body !== undefined && { 'Content-Type': contentType }) };
    const request = http.request(new URL(path, process.env.QUIPU_URL), { method, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => { text += chunk; });
      response.once('error', reject).once('end', () => {
        const json = /json/.test(response.headers['content-type'] ?? '') ? JSON.parse(text) : undefined;
        resolve({ status: response.statusCode, text, json });
      });
    });
    request.once('error', reject);
    if (body === undefined) request.end();
    else if (typeof body.pipe === 'function') body.pipe(request);
    else request.end(JSON.stringify(body));
  });
}

/** The same for a request that has to succeed. */
async function demand(method, path, body) {
  const answer = await ask(method, path, body);
  if (answer.status < 200 || answer.status > 299) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
  return answer.json;
}

module.exports = {
  setup: async () => undefined,
  teardown: async () => undefined,

  getLrsEndpoint: () => new URL('/xapi', process.env.QUIPU_URL).href,
  getLrsAuthHeader: () => authorization,

  importCourse: async (stream, contentType, filename) => {
    const answer = await ask('POST', '/v1/cmi5/packages', stream, contentType);
    if (answer.status === 415 || (answer.status === 400 && answer.json?.error === 'invalid-package')) throw new InvalidPackageError(`${filename}: ${answer.text}`);
    if (answer.status !== 201) throw new Error(`${filename}: ${answer.status} ${answer.text}`);
    courses.push(answer.json.course);
    return answer.json.course;
  },

  getLaunchUrl: async (course, unit, learner, { registration, launchMode }) => {
    const { id } = await demand('POST', '/v1/registrations', { course, learner: { objectType: 'Agent', ...learner }, registration });
    const { url } = await demand('POST', `/v1/registrations/${id}/launch`, { unit, mode: launchMode });
    return url;
  },

  cleanup: async () => {
    const imported = courses;
    courses = [];
    for (const course of imported) await demand('DELETE', `/v1/courses/${course}?force=true`);
  },

  hasWaive: () => true,
  waiveAU: async (registration, unit, reason) => { await demand('POST', `/v1/registrations/${registration}/waive`, { unit, reason }); },

  hasAbandon: () => true,
  abandonSession: async (session) => { await demand('POST', `/v1/cmi5/sessions/${session}/abandon`); },
};
