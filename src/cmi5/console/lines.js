import { element, moment, tag } from './elements.js';

/** A statement in a line: its verb, and what it says of the result. */
export function statementLine(statement, at) {
  const { verb = {}, result = {}, object = {} } = statement;
  const word = String(verb.id ?? '').replace(/[/#]+$/, '').replace(/^.*[/#]/, '') || 'statement';
  const score = result.score?.scaled ?? result.score?.raw;
  const facts = [score === undefined ? undefined : `score ${score}`, result.duration].filter((fact) => fact !== undefined).join(' · ');
  return element('li', {}, element('details', {}, element('summary', {}, element('time', {}, moment(at)), ' ', element('b', {}, word), facts === '' ? undefined : ` ${facts}`),
    element('pre', { tabindex: 0, 'aria-label': `Statement about ${String(object.id ?? '')}` }, JSON.stringify(statement, null, 2))));
}

/** A rule that was broken, with what was sent. */
export function breachOf({ kind, breach = {}, at, request, cut }) {
  const rule = [breach.requirement, breach.section, breach.rule, breach.pointer].filter(Boolean).join(' · ');
  return element('li', { class: 'breach' }, element('time', {}, moment(at)), ' ', tag(kind === 'finding' ? 'finding' : `refused ${breach.status ?? ''}`, breach.expected ? '' : 'bad'), ' ', breach.message ?? '',
    element('small', {}, rule), breach.hint ? element('small', {}, `Hint: ${breach.hint}`) : undefined,
    request === undefined ? undefined : element('details', {}, element('summary', {}, 'What was sent'), element('pre', { tabindex: 0 }, indented(request) + (cut ? '\n… cut here' : ''))));
}

function indented(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
