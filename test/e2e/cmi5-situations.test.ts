import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { freePort } from '../services/service-process.js';
import { browserFor } from './browser.js';
import { contentPage, enrol, eventually, openWindow, shortVerb, startLms } from './learner.js';
import { rusticiPackage, xapiJsPackage } from './packages.js';

t.setTimeout(240_000);

const browser = await browserFor(t);
if (browser) {
  const server = await startLms(t);
  const content = await rusticiPackage();

  await t.test('two tabs: the later one goes on, the earlier one is told', async (t) => {
    const enrolment = await enrol(server, content);
    const earlier = await openWindow(t, browser);
    await earlier.page.goto((await enrolment.launch()).url);
    await earlier.reaches('ready, visit 1');
    const later = await openWindow(t, browser);
    await later.page.goto((await enrolment.launch()).url);
    await later.reaches('ready, visit 2');

    await earlier.page.locator('#finish').click();
    t.match(await earlier.fails(), /40[13]/);
    await later.page.locator('#finish').click();
    await later.reaches('finished');
    t.match(await enrolment.status(), { satisfied: true });
    await earlier.page.close({ runBeforeUnload: true });
    await later.page.close({ runBeforeUnload: true });
    const statements = await eventually(enrolment.statements, (found) => found.length >= 10);
    t.strictSame(statements.map(({ verb }) => shortVerb(verb.id)), ['launched', 'initialized', 'abandoned', 'launched', 'initialized', 'completed', 'passed', 'satisfied', 'satisfied', 'terminated']);
  });

  await t.test('a launch URL opened on another device goes on there', async (t) => {
    const enrolment = await enrol(server, content);
    const { url } = await enrolment.launch();
    const one = await openWindow(t, browser);
    await one.page.goto(url);
    await one.reaches('ready, visit 1');
    const other = await openWindow(t, browser);
    await other.page.goto(url);
    await other.reaches('ready, visit 2');
    t.not(other.page.url(), url);
    t.equal(new URL(other.page.url()).searchParams.get('registration'), enrolment.registration);
    await other.page.locator('#finish').click();
    await other.reaches('finished');
  });

  await t.test('a clock that is wrong by years, and set right in between', async (t) => {
    const enrolment = await enrol(server, content);
    const { page, reaches } = await openWindow(t, browser);
    await page.clock.setFixedTime('2001-02-03T04:05:06Z');
    await page.goto((await enrolment.launch()).url);
    await reaches('ready, visit 1');
    await page.clock.setFixedTime(new Date());
    await page.locator('#finish').click();
    await reaches('finished');
    const statements = await eventually(enrolment.statements, (found) => found.length >= 6);
    t.strictSame(statements.map(({ verb }) => shortVerb(verb.id)), ['launched', 'initialized', 'completed', 'passed', 'satisfied', 'satisfied']);
    t.match(statements[1]!.timestamp, /^2001-02-03/, 'what content says of time is kept');
    t.ok(Math.abs(Date.parse(statements[4]!.timestamp!) - Date.now()) < 60_000, 'what Quipu says has its own time');
  });

  await t.test('content in a frame of an LMS page on another origin; where it wants its own window, in none', async (t) => {
    const enrolment = await enrol(server, await xapiJsPackage());
    let framed = (await enrolment.launch()).url;
    const lms = createServer((_request, response) => response.setHeader('Content-Type', 'text/html').end(`<!doctype html><title>LMS</title><iframe src="${framed.replaceAll('&', '&amp;')}"></iframe>`));
    await new Promise<void>((resolve) => lms.listen(0, '127.0.0.1', resolve));
    t.teardown(() => lms.close());
    const address = `http://127.0.0.1:${(lms.address() as AddressInfo).port}/`;
    const { page } = await openWindow(t, browser);
    await page.goto(address);
    await contentPage(page, 'iframe').reaches('ready, visit 1');

    const own = await enrol(server, await rusticiPackage('OwnWindow'));
    framed = (await own.launch()).url;
    const refused = page.waitForEvent('console', (message) => /frame-ancestors/.test(message.text()));
    await page.goto(address);
    t.match((await refused).text(), /frame-ancestors/);
    t.strictSame((await own.statements()).map(({ verb }) => shortVerb(verb.id)), ['launched']);
  });

  await t.test('a host for each package: what one keeps in the browser no other sees', async (t) => {
    const port = String(await freePort());
    const hosts = await startLms(t, { QUIPU_CONTENT_PORT: port, QUIPU_CONTENT_URL: `http://*.localhost:${port}` });
    const { page } = await openWindow(t, browser);
    const origins: string[] = [];
    for (const zip of [content, await xapiJsPackage()]) {
      await page.goto((await (await enrol(hosts, zip)).launch()).url);
      await contentPage(page).reaches('ready, visit 1');
      origins.push(new URL(page.url()).origin);
      t.equal(await page.evaluate("localStorage.getItem('kept')"), null);
      await page.evaluate("localStorage.setItem('kept', 'yes')");
    }
    t.match(origins[0], /^http:\/\/[0-9a-f-]{36}\.localhost:/);
    t.not(origins[0], origins[1]);
  });
}
