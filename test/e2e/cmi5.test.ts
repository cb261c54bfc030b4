import t, { type Test } from 'tap';
import { withoutEngine } from '../integration/analytics/analytics-server.js';
import { browserFor } from './browser.js';
import { demand, enrol, eventually, openWindow, shortVerb, startLms } from './learner.js';
import { rusticiPackage, xapiJsPackage } from './packages.js';

t.setTimeout(240_000);

const sessionId = 'https://w3id.org/xapi/cmi5/context/extensions/sessionid';
/** What a registration comes to: a first visit that a refresh of the page ends, and a second that finishes the course and closes the tab. */
const firstVisit = ['launched', 'initialized', 'ended'];
const verbsOfRustici = [...firstVisit, 'launched', 'initialized', 'completed', 'passed', 'satisfied', 'satisfied', 'terminated'];
const verbsOfXapiJs = [...firstVisit, 'launched', 'initialized', 'progressed', 'completed', 'satisfied', 'passed', 'terminated'];

const browser = await browserFor(t);
if (browser) {
  const server = await startLms(t, { QUIPU_ANALYTICS: 'auto' });
  const contents: [string, Buffer, string[]][] = [
    ['@rusticisoftware/cmi5', await rusticiPackage(), verbsOfRustici],
    ['@xapi/cmi5', await xapiJsPackage(), verbsOfXapiJs],
  ];
  for (const [library, content, expected] of contents) {
    await t.test(`content with ${library}: import, register, launch, refresh, complete, close the tab, satisfied, in reports`, async (t: Test) => {
      const enrolment = await enrol(server, content);
      const { url, session } = await enrolment.launch();
      t.not(new URL(url).origin, new URL(server.url).origin, 'content has an origin of its own');

      const { page, errors, reaches } = await openWindow(t, browser);
      await page.goto(url);
      await reaches('ready, visit 1');
      await page.reload();
      await reaches('ready, visit 2');
      await page.locator('#finish').click();
      await reaches('finished');
      await page.close({ runBeforeUnload: true });

      const statements = await eventually(enrolment.statements, (found) => found.length >= expected.length);
      // On a refresh the last words of the page and the request for the new one are on their way at once: whichever comes first ends the session.
      const said = statements.map(({ verb }, index) => (index === 2 && /\/(?:terminated|abandoned)$/.test(verb.id) ? 'ended' : shortVerb(verb.id)));
      t.strictSame(said, expected);
      t.strictSame(errors, []);
      const sessions = [...new Set(statements.map(({ context }) => context!.extensions![sessionId]))];
      t.equal(sessions.length, 2, 'a refresh begins another session');
      t.equal(sessions[0], session);
      t.ok(statements.every(({ actor }) => 'account' in actor && actor.account!.name === enrolment.learner.account.name));
      t.match(await enrolment.status(), { satisfied: true });

      await t.test('reports have it', { skip: withoutEngine }, async (t) => {
        const rows = await eventually(
          () => demand<{ rows: { verb: string; statements: number }[] }>(server, 'GET', `/v1/analytics/verbs?registration=${enrolment.registration}`).then((view) => view.rows, () => []),
          (found) => found.reduce((sum, row) => sum + Number(row.statements), 0) >= expected.length,
        );
        t.strictSame(rows.map(({ verb }) => shortVerb(verb)).sort(), [...new Set(statements.map(({ verb }) => shortVerb(verb.id)))].sort());
      });
    });
  }
}
