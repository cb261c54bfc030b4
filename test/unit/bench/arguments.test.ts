import t from 'tap';
import { readArguments } from '../../../bench/arguments.js';

const read = (words: string[]) => readArguments(words, ['ingest', 'reads', 'shapes']);

t.test('what is not given', async (t) => {
  t.same(read([]), { quick: false, resume: false, only: undefined, sizes: [10_000, 1_000_000], peers: [], emptyPeers: undefined, folder: 'bench/data', rounds: 5, seconds: 3 });
  t.match(read(['--quick']), { quick: true, sizes: [10_000], rounds: 2 });
});

t.test('what is given', async (t) => {
  const words = ['--only', 'ingest,reads', '--sizes', '10000,10000000', '--rounds', '7', '--seconds', '1.5', '--folder', '/tmp/x', '--resume', '--empty-peers', './empty.sh',
    '--peer', 'xapi-rs=http://127.0.0.1:5050/,user,pass:word', '--peer', 'Ralph (no store)=https://lrs.example.org/xAPI,u,p,1.0.0'];
  t.same(read(words), {
    quick: false, resume: true, only: ['ingest', 'reads'], sizes: [10_000, 10_000_000], rounds: 7, seconds: 1.5, folder: '/tmp/x', emptyPeers: './empty.sh',
    peers: [
      { name: 'xapi-rs', url: 'http://127.0.0.1:5050', authorization: `Basic ${Buffer.from('user:pass:word').toString('base64')}`, version: '1.0.3' },
      { name: 'Ralph (no store)', url: 'https://lrs.example.org/xAPI', authorization: `Basic ${Buffer.from('u:p').toString('base64')}`, version: '1.0.0' },
    ],
  });
});

t.test('what can not be used is named', async (t) => {
  t.throws(() => read(['--sizes', '10k']), /--sizes takes whole numbers above 0, not "10k"/);
  t.throws(() => read(['--rounds', '0']), /--rounds/);
  t.throws(() => read(['--rounds', '1.5']), /--rounds/);
  t.throws(() => read(['--seconds', '-1']), /--seconds/);
  t.throws(() => read(['--peer', 'http://127.0.0.1:1']), /--peer takes/);
  for (const name of ['Quipu', 'bare Fastify']) t.throws(() => read(['--peer', `${name}=http://127.0.0.1:1,u,p`]), /A peer can't be called/);
  t.throws(() => read(['--peer', 'a=http://127.0.0.1:1,u,p', '--peer', 'a=http://127.0.0.1:2,u,p']), /A peer can't be called "a"/);
  t.throws(() => read(['--slow']), /--slow/);
  t.throws(() => read(['--quick', '--resume']), /--resume/);
  t.throws(() => read(['--only', 'ingest,writes']), /no scenario "writes"; there are ingest, reads, shapes/);
});
