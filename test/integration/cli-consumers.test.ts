import t from 'tap';
import { runCommand } from './command.js';
import { startServer } from './server.js';

t.setTimeout(120_000);

t.test('the consumers on the command line', async (t) => {
  const server = await startServer(t);
  const run = (...words: string[]) => runCommand(server.dataDir, ['consumers', ...words]);
  const listed = await run('list');
  t.equal(listed.status, 0, listed.stderr);
  t.match(listed.stdout, /^CONSUMER +STATUS +TENANT +POSITION +BEHIND +PUT ASIDE\nanalytics +off\n/);
  t.match(JSON.parse((await run('list', '--json')).stdout), [{ name: 'analytics', status: 'off', tenants: [], deadLetters: 0 }]);
  t.match(await run('pause', 'analytics'), { status: 0, stdout: /^CONSUMER/ });
  t.match(await run('resume', 'analytics', '--json'), { status: 0, stdout: /"name":"analytics"/ });
  t.match(await run('dead-letters', 'analytics'), { status: 0, stdout: /^ID +STATEMENT/ });
  t.match(await run('dead-letters', 'analytics', '--tenant', 'two', '--json'), { status: 0, stdout: '[]\n' });
  t.match(await run('retry', 'analytics'), { status: 0, stdout: /^Tried again: 0\./ });

  t.match(await run('drop', 'analytics', 'analytics.1'), { status: 1, stderr: /no dead letter/ });
  t.match(await run('pause', 'nobody'), { status: 1, stderr: /no consumer "nobody"/ });
  t.match(await run('replay', 'analytics', '--from', 'x'), { status: 1, stderr: /--from takes a position/ });
  t.match(await run('replay', 'analytics', '--from', '0'), { status: 1, stderr: /switched off/ });
  t.match(await run('dead-letters', 'analytics', '--tenant', 'none'), { status: 1, stderr: /no tenant/ });
});
