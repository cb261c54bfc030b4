import { execFileSync } from 'node:child_process';
import t from 'tap';
import { firstStart } from '../../../src/cli/serve.js';

t.test('the curl line of the first start means the same to a shell, whatever the secret holds', async (t) => {
  for (const secret of ['plain123', "it's $HOME `id` \"x\" \\", '!! *']) {
    const curl = firstStart('http://127.0.0.1:8080', { key: 'key', secret }, '/data').split('\n').find((line) => line.startsWith('curl '))!;
    const words = execFileSync('sh', ['-c', `print() { for word; do printf '%s\\0' "$word"; done; }; print ${curl}`]).toString().split('\0');
    t.equal(words[words.indexOf('-u') + 1], `key:${secret}`);
    t.ok(JSON.parse(words[words.indexOf('-d') + 1]!));
    t.equal(words.at(-2), 'http://127.0.0.1:8080/xapi/statements');
  }
});
