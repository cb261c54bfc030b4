import { ask, follow } from './api.js';
import { courseOf, learnersChanged } from './catalogue.js';
import { button, byId, element, learnerName, moment, tag, textOf } from './elements.js';
import { breachOf, statementLine } from './lines.js';
import { showStatus } from './status.js';

const SESSION_ID = 'https://w3id.org/xapi/cmi5/context/extensions/sessionid';
/** Sessions that are shown, and lines of each. */
const MOST_SESSIONS = 100;
const MOST_LINES = 50;
const cards = new Map();

/** Shows sessions as they go, for as long as the page is open. */
export function startSessions() {
  const connection = byId('connection');
  return follow('cmi5/live', take, async (connected, error) => {
    connection.textContent = connected ? 'live' : error?.message ?? 'connecting again';
    connection.className = `tag ${connected ? 'good' : 'bad'}`;
    if (connected) await catchUp();
  });
}

/** What is under way, and what ended while there was no connection. */
async function catchUp() {
  const { sessions } = await ask('cmi5/sessions?active=true&limit=100');
  for (const session of sessions) cardOf(session.id).update(session);
  const open = new Set(sessions.map(({ id }) => id));
  for (const card of cards.values()) if (!card.over() && !open.has(card.id)) await look(card);
}

/** An event of the stream. Statements of previews come as they are recorded, for they are not stored. */
function take(type, event) {
  if (type === 'session') {
    learnersChanged(event.course);
    return cardOf(event.id).update(event);
  }
  if (type === 'statement') return told(event, event);
  if (type === 'refusal' || type === 'finding') return known(event).add(breachOf(event));
  if (type !== 'preview-statement') return undefined;
  try {
    return told(JSON.parse(event.request), event);
  } catch {
    return known(event).add(element('li', {}, element('time', {}, moment(event.at)), ' a statement'));
  }
}

function told(statement, { at, session }) {
  const id = session ?? statement.context?.extensions?.[SESSION_ID];
  if (typeof id !== 'string') return;
  const card = known({ session: id, registration: statement.context?.registration, learner: statement.actor, launched: statement.timestamp });
  card.add(statementLine(statement, at ?? statement.stored));
  card.update({ said: statement.verb?.id });
  learnersChanged(card.course());
}

/** The card of a session that an event tells of, which may come before the session itself. */
function known({ session: id, ...first }) {
  if (cards.has(id)) return cards.get(id);
  const card = cardOf(id);
  card.update({ registration: first.registration, learner: first.learner, launched: first.launched ?? first.at });
  look(card);
  return card;
}

/** Reads a session. What the LMS says of a registration without one, such as waived, has a session of its own that is none. */
async function look(card) {
  try {
    card.update(await ask(`cmi5/sessions/${encodeURIComponent(card.id)}`));
  } catch (error) {
    if (error.status === 404) card.update({ active: false, how: 'by the LMS' });
  }
}

function cardOf(id) {
  if (cards.has(id)) return cards.get(id);
  const card = newCard(id);
  cards.set(id, card);
  byId('sessions').prepend(card.root);
  byId('no-sessions').hidden = true;
  for (const old of cards.values()) {
    if (cards.size <= MOST_SESSIONS) break;
    if (!old.over()) continue;
    cards.delete(old.id);
    old.root.remove();
  }
  return card;
}

function newCard(id) {
  let session = { id, active: true };
  let named = false;
  const path = `cmi5/sessions/${encodeURIComponent(id)}`;
  const state = element('span', {});
  const title = element('b', {}, 'Outside of a launch');
  const place = element('small', {});
  const learner = element('span', { class: 'grow' });
  const lines = element('ol', { class: 'lines', tabindex: 0, 'aria-label': 'What happened, newest first' });
  const abandon = button('Abandon', async () => {
    await ask(`${path}/abandon`, { method: 'POST' });
    update(await ask(path));
  });
  const status = button('Status and waive', () => showStatus(session.registration));
  const refusals = button('All refusals', async () => {
    const { findings } = await ask(`${path}/findings`);
    const broken = findings.filter(({ breach }) => breach);
    for (const old of lines.querySelectorAll('.breach')) old.remove();
    lines.prepend(...(broken.length === 0 ? [element('li', { class: 'breach none' }, 'Nothing was refused.')] : broken.map(breachOf)));
  });
  const root = element('article', {}, element('div', { class: 'row' }, element('span', { class: 'grow' }, title, place), state), element('div', { class: 'row' }, learner, abandon, status, refusals), lines);

  function update(next) {
    session = { ...session, ...next };
    const { active, how, said = '', fetched, mode, preview, launched, registration, course } = session;
    const word = active ? /initialized$/.test(said) || session.initialized ? 'initialized' : fetched ? 'opened' : 'launched' : how ?? 'ended';
    if (/initialized$/.test(said)) session.initialized = true;
    state.replaceChildren(tag(word, active ? 'good' : ''), ...(mode && mode !== 'Normal' ? [tag(mode)] : []), ...(preview ? [tag('preview')] : []));
    root.classList.toggle('over', !active);
    abandon.hidden = !active;
    refusals.hidden = course === undefined;
    status.hidden = registration === undefined;
    learner.textContent = `${preview ? 'A preview' : learnerName(session.learner)} · ${moment(launched)}`;
    if (course === undefined || named) return;
    named = true;
    courseOf(course).then((found) => {
      const unit = found.units.find(({ node }) => node === session.unit) ?? found.units[session.unitIndex];
      title.textContent = textOf(unit?.title, unit?.publisherId ?? 'AU');
      place.textContent = textOf(found.title, found.publisherId);
    }, () => {
      named = false;
    });
  }

  return {
    id, root, update, over: () => !session.active, course: () => session.course,
    add(line) {
      lines.prepend(line);
      while (lines.children.length > MOST_LINES) lines.lastElementChild.remove();
    },
  };
}
