import { ask, upload } from './api.js';
import { courseOf, onLearnersChanged } from './catalogue.js';
import { button, byId, element, learnerName, moment, say, tag, textOf } from './elements.js';
import { showStatus } from './status.js';

const PAGE = 100;
let after;
let opened;
let waiting;
/** The learners of the course that is open. */
let learners;

/** Lists the courses, and takes in packages. */
export async function startCourses() {
  const drop = byId('drop');
  const file = byId('file');
  file.addEventListener('change', () => {
    if (file.files[0]) importPackage(file.files[0]);
    file.value = '';
  });
  // On the whole window: a file that misses the place would be opened instead of the page.
  for (const type of ['dragenter', 'dragover', 'dragleave', 'drop']) {
    window.addEventListener(type, (event) => {
      event.preventDefault();
      drop.classList.toggle('over', type !== 'drop' && type !== 'dragleave' && event.dataTransfer?.types.includes('Files'));
    });
  }
  window.addEventListener('drop', (event) => {
    if (event.dataTransfer?.files[0]) importPackage(event.dataTransfer.files[0]);
  });
  onLearnersChanged(learnersSoon);
  byId('more-courses').addEventListener('click', () => list().catch((error) => say(error.message)));
  await list();
}

async function list(again = false) {
  if (again) after = undefined;
  const { courses } = await ask(`courses?limit=${PAGE}${after === undefined ? '' : `&after=${encodeURIComponent(after)}`}`);
  const rows = courses.map((course) => element('li', {}, element('button', { type: 'button', class: 'line', 'aria-current': course.id === opened && 'true', 'data-course': course.id, onclick: () => open(course.id) },
    element('span', {}, element('b', {}, textOf(course.title, course.publisherId)), element('small', {}, course.publisherId)), tag(course.mode))));
  if (again || after === undefined) byId('courses').replaceChildren(...rows);
  else byId('courses').append(...rows);
  after = courses.at(-1)?.id;
  byId('more-courses').hidden = courses.length < PAGE;
}

async function importPackage(file) {
  const place = byId('import');
  const bar = element('progress', { max: 1, value: 0, 'aria-label': `Upload of ${file.name}` });
  const words = element('span', {}, 'Sending');
  const stop = new AbortController();
  place.replaceChildren(element('p', { class: 'row' }, element('b', {}, file.name), bar, words, element('button', { type: 'button', onclick: () => stop.abort() }, 'Stop')));
  try {
    const { status, body } = await upload(`cmi5/packages${byId('import-mode').value}`, file, (share) => {
      if (share < 1) bar.value = share;
      else bar.removeAttribute('value');
      words.textContent = share < 1 ? `${Math.floor(share * 100)} %` : 'Judging';
    }, stop.signal);
    if (status < 300) {
      place.replaceChildren(imported(file, body));
      await list(true);
      await open(body.course);
    } else {
      place.replaceChildren(refused(file, body));
    }
  } catch (error) {
    place.replaceChildren(element('p', { class: 'bad' }, error.message));
  }
}

function imported(file, { created, number, diff }) {
  const counts = ['added', 'changed', 'removed', 'kept'].filter((name) => diff[name].length > 0).map((name) => `${diff[name].length} ${name}`).join(', ');
  const outcome = !created ? ' is what the course has already.' : number === 1 ? ' is imported.' : ` is version ${number} of its course. AUs: ${counts}.`;
  return element('p', { class: 'note good' }, element('b', {}, file.name), outcome);
}

function refused(file, { message, faults = [] }) {
  const place = ({ path, line, column }) => [path, line === undefined ? undefined : `line ${line}${column === undefined ? '' : `, column ${column}`}`].filter(Boolean).join(' · ');
  return element('div', { class: 'note bad' }, element('p', {}, element('b', {}, file.name), ' was not imported. ', faults.length === 0 ? message : `${faults.length} fault${faults.length === 1 ? '' : 's'}:`),
    faults.length === 0 ? undefined : element('div', { class: 'wide', tabindex: 0, role: 'region', 'aria-label': 'Faults of the package' }, element('table', {},
      element('thead', {}, element('tr', {}, ...['Where', 'Requirement', 'What is wrong', 'What would be right'].map((title) => element('th', { scope: 'col' }, title)))),
      element('tbody', {}, ...faults.map((fault) => element('tr', {}, element('td', {}, place(fault)), element('td', {}, element('span', { class: 'nowrap' }, fault.requirement ?? fault.rule), element('small', {}, fault.section ?? '')), element('td', {}, fault.message ?? ''), element('td', {}, fault.hint ?? '')))))));
}

async function open(id, fresh = true) {
  say('');
  try {
    const course = await courseOf(id, fresh);
    opened = id;
    for (const line of document.querySelectorAll('#courses .line')) line.toggleAttribute('aria-current', line.dataset.course === id);
    const place = byId('course');
    place.replaceChildren(...panelOf(course));
    place.hidden = false;
    await drawLearners();
  } catch (error) {
    say(error.message);
  }
}

/** After a moment, in which more may happen. @param course the one that something happened in */
function learnersSoon(course) {
  if (course !== opened) return;
  clearTimeout(waiting);
  waiting = setTimeout(() => drawLearners().catch((error) => say(error.message)), 500);
}

/** Shows who is registered in the course that is open. */
async function drawLearners() {
  const shown = opened;
  const { registrations } = await ask(`registrations?course=${encodeURIComponent(shown)}&limit=100`);
  if (shown !== opened) return;
  const rows = registrations.filter(({ preview }) => !preview).map(({ id, learner, created, satisfied, session }) => element('tr', {},
    element('td', {}, learnerName(learner), element('small', {}, learner.account.homePage)), element('td', {}, moment(created)), element('td', {}, satisfied ? tag('satisfied', 'good') : '', session ? tag('under way') : ''),
    element('td', { class: 'end' }, button('Status', () => showStatus(id), { 'aria-label': `Status of ${learnerName(learner)}` }))));
  learners.replaceChildren(rows.length === 0 ? element('p', { class: 'soft' }, 'Nobody is registered.') : element('table', {}, element('tbody', {}, ...rows)));
}

function panelOf(course) {
  const name = element('input', { required: true, value: 'learner-1', autocomplete: 'off', size: 14, maxlength: 200 });
  const home = element('input', { type: 'url', required: true, value: location.origin, autocomplete: 'off', size: 24 });
  const mode = element('select', {}, ...['Normal', 'Browse', 'Review'].map((value) => element('option', {}, value)));
  const judged = element('select', { onchange: () => ask(`courses/${encodeURIComponent(course.id)}`, { method: 'PATCH', body: { mode: judged.value } }).then(() => Promise.all([courseOf(course.id, true), list(true)])).catch((error) => say(error.message)) },
    ...[['strict', 'strictly'], ['compat', 'compatibly']].map(([value, word]) => element('option', { value, selected: value === course.mode }, word)));
  const who = element('form', { class: 'row', onsubmit: (event) => event.preventDefault() }, element('label', {}, 'Learner ', name), element('label', {}, 'of ', home), element('label', {}, 'Mode ', mode));
  const launch = (unit, preview) => inWindow(async () => {
    if (!preview && !who.reportValidity()) return undefined;
    const chosen = { unit: unit.index, mode: mode.value };
    if (preview) return ask('cmi5/preview', { method: 'POST', body: { course: course.id, ...chosen } });
    const registration = await registrationOf(course.id, { objectType: 'Agent', account: { homePage: home.value, name: name.value } });
    return ask(`registrations/${registration.id}/launch`, { method: 'POST', body: chosen });
  });
  const tree = (children) => element('ul', { class: 'tree' }, ...children.map((child) => (child.kind === 'block'
    ? element('li', {}, element('details', { open: true }, element('summary', {}, textOf(child.title, child.publisherId)), tree(child.children)))
    : element('li', { class: 'unit' }, unitOf(child, launch)))));
  return [
    element('h2', {}, textOf(course.title, course.publisherId)),
    element('p', { class: 'soft' }, `${course.publisherId} · version ${course.shown.number} of ${moment(course.shown.imported)}`),
    element('label', { class: 'row' }, 'Statements are judged', judged),
    who, tree(course.structure.children),
    element('h3', {}, 'Learners'),
    learners = element('div', {}),
  ];
}

function unitOf(unit, launch) {
  const title = textOf(unit.title, unit.publisherId);
  return element('div', { class: 'row' }, element('span', { class: 'grow' }, title, element('small', {}, [unit.moveOn, unit.masteryScore === undefined ? undefined : `mastery ${unit.masteryScore}`, unit.launchMethod === 'OwnWindow' ? 'own window' : undefined].filter(Boolean).join(' · '))),
    element('span', { class: 'nowrap' }, button('Launch', () => launch(unit, false), { class: 'main', 'aria-label': `Launch ${title}` }), ' ',
      button('Preview', () => launch(unit, true), { 'aria-label': `Preview ${title}`, title: 'A throw-away session: no statement is kept' })));
}

/** The newest registration of a learner, or a new one. */
async function registrationOf(course, learner) {
  const { registrations } = await ask(`registrations?course=${encodeURIComponent(course)}&learner=${encodeURIComponent(JSON.stringify(learner))}`);
  const newest = [...registrations].sort((one, other) => String(other.created).localeCompare(String(one.created)))[0];
  return newest ?? ask('registrations', { method: 'POST', body: { course, learner } });
}

/** Opens a window while the click lasts, for browsers allow none after it, and goes where the launch leads. The content has no way back to this page. */
async function inWindow(launch) {
  const shown = window.open('', '_blank');
  if (!shown) throw new Error('The browser has blocked the window of the launch. Allow pop-ups for this page.');
  shown.opener = null;
  try {
    const launched = await launch();
    if (launched && /^https?:\/\//i.test(launched.url)) shown.location.replace(launched.url);
    else shown.close();
  } catch (error) {
    shown.close();
    throw error;
  }
}
