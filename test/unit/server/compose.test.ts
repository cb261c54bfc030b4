import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import t from 'tap';
import { loadConfig } from '../../../src/config.js';
import { compose } from '../../../src/server/compose.js';
import { validateActor } from '../../../src/xapi/validation.js';

t.test('a key made on a server without a public URL has an authority that is valid in a statement', async (t) => {
  for (const [host, homePage] of [['::1', 'http://[::1]:8080'], ['127.0.0.1', 'http://127.0.0.1:8080']]) {
    const dataDir = await mkdtemp(join(tmpdir(), 'quipu-test-'));
    t.teardown(() => rm(dataDir, { recursive: true, force: true }));
    const services = await compose(loadConfig({ QUIPU_HOST: host, QUIPU_DATA_DIR: dataDir, QUIPU_ANALYTICS: 'off' }), pino({ level: 'silent' }));
    await services.tenants.ensure('default', 'Default');
    const { authority } = await services.keys.create({ tenant: 'default', name: 'A key', scopes: ['all'] });
    await services.close();
    t.equal(authority.account?.homePage, homePage);
    t.equal(validateActor(JSON.parse(JSON.stringify(authority)), '2.0.0'), undefined);
  }
});
