import { ask } from './api.js';
import { courseOf, learnersChanged } from './catalogue.js';
import { button, byId, element, say, tag, textOf } from './elements.js';

/** Shows what is required in a registration, what holds, and what decided it; an AU that is not done can be waived. */
export async function showStatus(registration) {
  const dialog = byId('status');
  const path = `registrations/${encodeURIComponent(registration)}`;

  async function draw() {
    const { explanation, units, course } = await ask(`${path}/status?explain=true`);
    const found = await courseOf(course);
    const titles = new Map([[explanation.node, found.title], ...found.blocks.map(({ node, title }) => [node, title]), ...units.map(({ node, title }) => [node, title])]);
    const waive = async (unit, reason) => {
      await ask(`${path}/waive`, { method: 'POST', body: { unit, reason } });
      learnersChanged(course);
      await draw();
    };
    dialog.replaceChildren(
      element('header', {}, element('h2', { id: 'status-title' }, 'Status of the registration'), element('button', { type: 'button', onclick: () => dialog.close() }, 'Close')),
      element('p', { class: 'soft' }, registration),
      element('ul', { class: 'tree' }, nodeOf(explanation, titles, waive)),
    );
  }

  await draw();
  say('');
  if (!dialog.open) dialog.showModal();
}

function nodeOf(node, titles, waive) {
  const { kind, satisfied, requires, missing = [], children = [], holds = {}, statement, decidedBy = [] } = node;
  const held = [...Object.entries(holds).filter(([name]) => name !== 'score'), ...(statement ? [['satisfied', statement]] : [])];
  return element('li', {},
    element('div', { class: 'row' }, tag(satisfied ? 'satisfied' : 'open', satisfied ? 'good' : ''),
      element('span', { class: 'grow' }, textOf(titles.get(node.node), node.publisherId), element('small', {}, `${kind === 'au' ? 'AU' : kind} · requires ${requires}`)),
      kind === 'au' && !satisfied ? waiver(node, waive) : undefined),
    missing.length > 0 ? element('p', { class: 'soft' }, `Missing: ${missing.join('; ')}`) : undefined,
    held.length === 0 ? undefined : element('details', {}, element('summary', {}, 'Statements'), element('dl', {},
      ...held.flatMap(([verb, id]) => [element('dt', {}, verb, decidedBy.includes(id) ? ' (decided)' : ''), element('dd', {}, String(id))]))),
    children.length > 0 ? element('ul', { class: 'tree' }, ...children.map((child) => nodeOf(child, titles, waive))) : undefined);
}

/** A button, and behind it a field for the reason. */
function waiver({ index, publisherId }, waive) {
  const place = element('span', {});
  const begin = () => place.replaceChildren(element('button', { type: 'button', 'aria-label': `Waive ${publisherId}`, onclick: ask }, 'Waive'));
  function ask() {
    const reason = element('input', { required: true, placeholder: 'Reason', 'aria-label': `Reason to waive ${publisherId}`, maxlength: 500 });
    const fault = element('small', { class: 'bad', role: 'alert' });
    const form = element('form', {
      class: 'row',
      onsubmit: (event) => {
        event.preventDefault();
        waive(index, reason.value).catch((error) => {
          fault.textContent = error.message;
        });
      },
    }, reason, element('button', { class: 'main' }, 'Waive'), element('button', { type: 'button', onclick: begin }, 'Cancel'), fault);
    place.replaceChildren(form);
    reason.focus();
  }
  begin();
  return place;
}
