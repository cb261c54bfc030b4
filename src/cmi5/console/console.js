import { ask, enter } from './api.js';
import { startCourses } from './courses.js';
import { byId, say } from './elements.js';
import { startSessions } from './sessions.js';

/* The page of courses and sessions. It talks to Quipu's own API alone. */
byId('login').addEventListener('submit', async (event) => {
  event.preventDefault();
  const login = event.target;
  const form = new FormData(login);
  say('');
  enter(form.get('key'), form.get('secret'));
  try {
    await ask('courses?limit=1');
  } catch (error) {
    return say(error.message);
  }
  login.reset();
  login.hidden = true;
  byId('leave').hidden = byId('desk').hidden = false;
  startSessions().catch((error) => say(error.message));
  await startCourses().catch((error) => say(error.message));
  byId('file').focus();
});
byId('leave').addEventListener('click', () => location.reload());
