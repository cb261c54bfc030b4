/** An element with attributes and children; text is never taken for markup. Attributes that begin with `on` are listeners. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== false) made.setAttribute(key, value === true ? '' : value);
  }
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

export const byId = (id) => document.getElementById(id);

/** A button that is out of use while it works, and says what went wrong beside it. */
export function button(label, work, attributes = {}) {
  const made = element('button', {
    type: 'button', ...attributes,
    onclick: async () => {
      made.disabled = true;
      say('');
      try {
        await work();
      } catch (error) {
        say(error.message);
      }
      made.disabled = false;
    },
  }, label);
  return made;
}

/** Shows a sentence at the top of the page. */
export function say(text) {
  byId('message').textContent = text;
}

/** A small mark. @param kind good, bad or nothing */
export const tag = (text, kind = '') => element('span', { class: `tag ${kind}` }, text);

/** Of a text in languages, the one that the reader prefers. */
export function textOf(texts, otherwise = '') {
  const list = Array.isArray(texts) ? texts : [];
  const wanted = navigator.languages.map((language) => language.toLowerCase());
  for (const language of wanted) {
    const found = list.find(({ lang }) => lang?.toLowerCase() === language) ?? list.find(({ lang }) => lang?.toLowerCase().split('-')[0] === language.split('-')[0]);
    if (found) return found.text;
  }
  return list[0]?.text ?? otherwise;
}

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const date = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

/** A moment: the time of today, the date of another day. */
export function moment(value) {
  const at = new Date(value);
  if (Number.isNaN(at.getTime())) return '';
  return (at.toDateString() === new Date().toDateString() ? clock : date).format(at);
}

/** How a learner is called: the name of the account. */
export const learnerName = (learner) => learner?.name ?? learner?.account?.name ?? 'unknown learner';
