'use strict';
/* The page of the analytic views. It talks to the query API alone; the key lives in this closure and nowhere else. */
(() => {
  const SVG = 'http://www.w3.org/2000/svg';
  const byId = (id) => document.getElementById(id);
  let authorization = '';
  let views = new Map();

  /** An element with attributes and children; text is never taken for markup. */
  function element(name, attributes = {}, ...children) {
    const made = ['svg', 'rect', 'path', 'text', 'line', 'title', 'g'].includes(name) ? document.createElementNS(SVG, name) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  async function ask(path, accept = 'application/json') {
    const answer = await fetch(`../v1/${path}`, { headers: { Authorization: authorization, Accept: accept }, cache: 'no-store', credentials: 'omit' });
    if (answer.ok) return answer;
    const { message = answer.statusText } = await answer.json().catch(() => ({}));
    throw Object.assign(new Error(message), { status: answer.status });
  }

  function filters() {
    const query = new URLSearchParams({ timezone: Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC' });
    for (const [name, value] of new FormData(byId('filters'))) if (value) query.set(name, value);
    if (query.has('activity')) query.set('descendants', 'true');
    return query;
  }

  async function rowsOf(name, limit) {
    const query = filters();
    query.set('limit', limit);
    return (await (await ask(`analytics/${name}?${query}`)).json()).rows;
  }

  async function download(name) {
    const query = filters();
    query.set('limit', '10000');
    const address = URL.createObjectURL(await (await ask(`analytics/${name}?${query}`, 'text/csv')).blob());
    element('a', { href: address, download: `${name}.csv` }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60000);
  }

  const figure = new Intl.NumberFormat('en', { maximumFractionDigits: 2 });
  const show = (value) => (value === null || value === undefined ? '–' : typeof value === 'number' ? figure.format(value) : String(value));

  /** A view's card: title, sentence, picture, SQL and CSV. */
  async function card(name, title, limit, draw, wide = false, legend = '') {
    const view = views.get(name);
    const place = element('div', {}, '…');
    const csv = element('button', { type: 'button' }, 'CSV');
    csv.addEventListener('click', () => download(name).catch((error) => { byId('message').textContent = error.message; }));
    byId('charts').append(element('article', wide ? { class: 'wide' } : {}, element('h2', {}, title), element('p', {}, `${view.definition} ${legend}`), place,
      element('footer', {}, element('details', {}, element('summary', {}, 'SQL'), element('pre', {}, `${view.select};\n\n-- The view:\n${view.sql}`)), csv)));
    try {
      const rows = await rowsOf(name, limit);
      place.replaceChildren(rows.length ? draw(rows) : 'Nothing to count here.');
    } catch (error) {
      place.replaceChildren(error.message);
    }
  }

  /** Bars over labels, with a line for a second series. @param width of the picture; texts keep their size */
  function bars(rows, label, value, { width, second }) {
    const height = 220, left = 44, bottom = 24;
    const top = Math.max(1, ...rows.map(value));
    const step = (width - left) / rows.length;
    const y = (amount) => 8 + (height - bottom - 8) * (1 - amount / top);
    const svg = element('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': `${rows.length} bars${rows.length ? ` from ${label(rows[0])} to ${label(rows.at(-1))}` : ''}, at most ${show(top)}` });
    for (const share of [0, 0.5, 1]) {
      svg.append(element('line', { class: 'axis', x1: left, x2: width, y1: y(top * share), y2: y(top * share) }), element('text', { x: left - 6, y: y(top * share) + 4, 'text-anchor': 'end' }, show(top * share)));
    }
    rows.forEach((row, index) => {
      const x = left + index * step;
      svg.append(element('rect', { class: 'value', x: x + step * 0.1, width: Math.max(1, step * 0.8), y: y(value(row)), height: Math.max(0, height - bottom - y(value(row))), rx: Math.min(3, step / 4) },
        element('title', {}, `${label(row)}: ${show(value(row))}`)));
      if (index % Math.ceil(rows.length / 10) === 0) svg.append(element('text', { x: x + step / 2, y: height - 6, 'text-anchor': 'middle' }, label(row)));
    });
    if (second) svg.append(element('path', { class: 'second', d: rows.map((row, index) => `${index ? 'L' : 'M'}${left + (index + 0.5) * step} ${y(second(row))}`).join('') }));
    return svg;
  }

  function table(rows, columns) {
    return element('table', {}, element('thead', {}, element('tr', {}, ...columns.map(([title]) => element('th', {}, title)))),
      element('tbody', {}, ...rows.map((row) => element('tr', {}, ...columns.map(([, read]) => {
        const value = read(row);
        return value instanceof Node ? element('td', {}, value) : element('td', typeof value === 'number' ? { class: 'number' } : {}, show(value));
      })))));
  }

  const tags = (values) => element('span', {}, ...values.flatMap((value) => [element('span', { class: 'tag' }, value), ' ']));

  async function lag() {
    try {
      const { consumers } = await (await ask('consumers')).json();
      const tenants = consumers.find(({ name }) => name === 'analytics')?.tenants ?? [];
      const statements = tenants.reduce((sum, tenant) => sum + (tenant.lagStatements), 0);
      const seconds = Math.max(0, ...tenants.map((tenant) => tenant.lagSeconds));
      return [`${show(statements)} · ${show(seconds)} s`, 'statements behind'];
    } catch (error) {
      return ['–', error.status === 403 ? 'lag: takes the scope monitor' : 'lag unknown'];
    }
  }

  async function draw() {
    byId('message').textContent = '';
    byId('charts').replaceChildren();
    byId('figures').replaceChildren();
    byId('figures').hidden = byId('charts').hidden = false;
    const [figures = {}] = await rowsOf('key_figures', 1);
    const cells = [
      [show(figures.statements), 'statements'], [show(figures.learners), 'learners'], [show(figures.activities), 'activities'], [show(figures.completions), 'completions'],
      [figures.average_score === null ? '–' : `${show(figures.average_score * 100)} %`, 'average score'], await lag(),
    ];
    byId('figures').append(...cells.map(([value, name]) => element('div', {}, element('b', {}, value), element('span', {}, name))));
    await Promise.all([
      card('activity_per_day', 'Activity over time', 366, (rows) => bars(rows, (row) => row.day, (row) => row.statements, { width: 1000, second: (row) => row.learners }), true, 'Bars: statements. Line: learners.'),
      card('activities', 'Top content', 10, (rows) => table(rows, [['Activity', (row) => row.name || row.activity], ['Learners', (row) => row.learners], ['Completed', (row) => row.completed], ['Score', (row) => row.average_score]])),
      card('score_distribution', 'Score distribution', 10000, (rows) => {
        const tenths = Array.from({ length: 10 }, (_, index) => ({ from: index / 10, scores: 0 }));
        for (const row of rows) tenths[Math.max(0, Math.min(9, Math.round(row.from_score * 10)))].scores += row.scores;
        return bars(tenths, (row) => row.from.toFixed(1), (row) => row.scores, { width: 460 });
      }),
      card('learners_at_risk', 'Learners at risk', 10, (rows) => table(rows, [['Learner', (row) => row.name || row.learner], ['Reasons', (row) => tags(row.reasons)], ['Days inactive', (row) => row.days_inactive], ['Score', (row) => row.average_score]])),
      card('most_failing_content', 'Most failing content', 10, (rows) => table(rows, [['Activity', (row) => row.name || row.activity], ['Failures', (row) => row.failures], ['Share', (row) => row.failure_share], ['Never succeeded', (row) => row.never_succeeded]])),
    ]);
  }

  function fail(error) {
    byId('message').textContent = error.message;
  }

  byId('login').addEventListener('submit', async (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    const bytes = new TextEncoder().encode(`${form.get('key')}:${form.get('secret')}`);
    authorization = `Basic ${btoa(String.fromCharCode(...bytes))}`;
    try {
      views = new Map((await (await ask('analytics/views')).json()).views.map((view) => [view.name, view]));
      event.target.reset();
      event.target.hidden = true;
      byId('filters').hidden = false;
      await draw();
    } catch (error) {
      fail(error);
    }
  });
  byId('filters').addEventListener('submit', (event) => {
    event.preventDefault();
    draw().catch(fail);
  });
  byId('leave').addEventListener('click', () => location.reload());
})();
