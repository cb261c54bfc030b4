/* The key lives in this module and nowhere else. */
let authorization = '';

/** Remembers who asks. */
export function enter(key, secret) {
  const bytes = new TextEncoder().encode(`${key}:${secret}`);
  authorization = `Basic ${btoa(String.fromCharCode(...bytes))}`;
}

function request(path, { method = 'GET', body, accept = 'application/json', headers = {}, signal } = {}) {
  return fetch(`../v1/${path}`, {
    method, signal, cache: 'no-store', credentials: 'omit', redirect: 'error',
    headers: { Authorization: authorization, Accept: accept, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
}

async function checked(answer) {
  if (answer.ok) return answer;
  const { message = answer.statusText } = await answer.json().catch(() => ({}));
  throw Object.assign(new Error(message), { status: answer.status });
}

/** Asks Quipu's own API. @returns what it answers, or undefined for no content @throws Error with its message and `status` */
export async function ask(path, options) {
  const answer = await checked(await request(path, options));
  return answer.status === 204 ? undefined : answer.json();
}

/**
 * Sends a file, and tells how far it is.
 * @param onProgress share from 0 to 1, which stays at 1 while the server judges
 * @returns status and body of the answer, whatever it is
 */
export function upload(path, file, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest();
    sending.open('POST', `../v1/${path}`);
    sending.setRequestHeader('Authorization', authorization);
    sending.setRequestHeader('Content-Type', /\.xml$/i.test(file.name) ? 'application/xml' : 'application/zip');
    sending.upload.addEventListener('progress', (event) => onProgress(event.lengthComputable ? event.loaded / event.total : 0));
    sending.upload.addEventListener('load', () => onProgress(1));
    sending.addEventListener('load', () => {
      try {
        resolve({ status: sending.status, body: JSON.parse(sending.responseText) });
      } catch {
        reject(new Error(`The server answered ${sending.status} without a reason.`));
      }
    });
    sending.addEventListener('error', () => reject(new Error('The connection broke off. Nothing was imported.')));
    sending.addEventListener('abort', () => reject(new Error('Stopped. Nothing was imported.')));
    signal.addEventListener('abort', () => sending.abort());
    sending.send(file);
  });
}

/**
 * Follows server-sent events for as long as the page is open, also over broken connections. EventSource sends no Authorization.
 * @param onState connected or not
 */
export async function follow(path, onEvent, onState) {
  for (let wait = 1000; ; wait = Math.min(wait * 2, 30_000)) {
    try {
      const answer = await checked(await request(path, { accept: 'text/event-stream' }));
      await onState(true);
      for await (const { type, data } of eventsOf(answer.body)) if (data !== undefined) onEvent(type, JSON.parse(data));
      // The server ends every stream after a while.
      wait = 100;
    } catch (error) {
      if (error.status === 401 || error.status === 403) return onState(false, error);
    }
    await onState(false);
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

/** Events of a stream: lines, ended by an empty one. */
async function* eventsOf(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split(/\r?\n\r?\n/);
    rest = blocks.pop();
    for (const block of blocks) {
      const event = { type: 'message' };
      for (const line of block.split(/\r?\n/)) {
        const [, field, text] = /^(event|data): ?(.*)$/.exec(line) ?? [];
        if (field === 'event') event.type = text;
        else if (field === 'data') event.data = event.data === undefined ? text : `${event.data}\n${text}`;
      }
      yield event;
    }
  }
}
