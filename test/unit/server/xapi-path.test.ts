import t from 'tap';
import { routedUrl } from '../../../src/server/xapi-path.js';

t.test('however an endpoint and a resource are put together, the resource is found', async (t) => {
  const cases: Record<string, string> = {
    '/xapi/statements': '/xapi/statements',
    '/xAPI/statements?limit=1': '/xapi/statements?limit=1',
    '/data/xAPI/statements': '/xapi/statements',
    '/data/xapi/about': '/xapi/about',
    '/xapi/statements/': '/xapi/statements',
    '/xapi//statements': '/xapi/statements',
    '//xapi//activities//state/': '/xapi/activities/state',
    '/xapi/statements/statements': '/xapi/statements',
    '/xapi/statements/activities/state?stateId=a//b': '/xapi/activities/state?stateId=a//b',
    '/xapi/statements/agents/profile': '/xapi/agents/profile',
    '/xapiactivities/state': '/xapi/activities/state',
    '/xAPIstatements': '/xapi/statements',
    '/xapi': '/xapi/',
    '/xapi/statements/more': '/xapi/statements/more',
    '/xapi/stat%ZZ': '/xapi/stat%25ZZ',
    '/data/xAPI/%ff/%20': '/xapi/%25ff/%2520',
    'http://lrs.example.org/data/xAPI/about?a=1': '/xapi/about?a=1',
    'https://lrs.example.org': '/',
    '/xapify': '/xapify',
    '/XAPI/statements': '/XAPI/statements',
    '/v1//keys': '/v1//keys',
    '/': '/',
  };
  for (const [url, expected] of Object.entries(cases)) t.equal(routedUrl('GET', url), expected, url);
});

t.test('a POST that names a method is in the alternate syntax', async (t) => {
  t.equal(routedUrl('POST', '/xapi/statements?method=PUT'), '/alternate-request-syntax/statements?method=PUT');
  t.equal(routedUrl('POST', '/data/xAPI/activities/state/?a=1&method=GET'), '/alternate-request-syntax/activities/state?a=1&method=GET');
  t.equal(routedUrl('POST', '/xapi/?method=GET'), '/xapi/?method=GET', 'of a resource');
  t.equal(routedUrl('GET', '/xapi/statements?method=PUT'), '/xapi/statements?method=PUT');
  t.equal(routedUrl('POST', '/xapi/statements?themethod=PUT'), '/xapi/statements?themethod=PUT');
});
