import { Option, type Command } from 'commander';
import { startQuipu } from '../main.js';
import { configOf } from './client.js';

/** `quipu serve`: the server, until it is told to end. */
export function addServe(program: Command): void {
  program.command('serve')
    .description('run the server (settings: docs/configuration.md)')
    .option('--data-dir <folder>', 'data folder (default: QUIPU_DATA_DIR, or ./data)')
    .addOption(new Option('--role <role>', 'what this process does (default: QUIPU_ROLE, or all)').choices(['all', 'api', 'worker']))
    .action(serve);
}

async function serve(options: { dataDir?: string; role?: string }): Promise<void> {
  const config = configOf(options, options.role === undefined ? process.env : { ...process.env, QUIPU_ROLE: options.role });
  const starting = startQuipu(config);
  let signals = 0;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (++signals > 1) process.exit(signal === 'SIGINT' ? 130 : 143);
    await (await starting).close();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      end(signal).catch((error: Error) => {
        process.stderr.write(`${error.message}\n`);
        process.exit(1);
      });
    });
  }
  const { url, contentUrl, firstCredential } = await starting;
  process.stdout.write(firstCredential ? firstStart(url!, firstCredential, config.dataDir, contentUrl) : config.role === 'worker' ? `Quipu works. Its state: ${url}/health/ready\n` : `Quipu listens. Endpoint: ${url}/xapi Content: ${contentUrl}\n`);
}

/** What the first start prints: the only time that the secret is shown. */
export function firstStart(url: string, { key, secret }: { key: string; secret: string }, dataDir: string, contentUrl?: string): string {
  const statement = JSON.stringify({
    actor: { mbox: 'mailto:ann@example.org' },
    verb: { id: 'http://adlnet.gov/expapi/verbs/experienced', display: { en: 'experienced' } },
    object: { id: 'https://example.org/quipu' },
  });
  return [
    `Quipu listens. Its data is in ${dataDir}.`,
    '',
    `  Endpoint: ${url}/xapi`,
    `  Key:      ${key}`,
    `  Secret:   ${secret}`,
    ...(contentUrl === undefined ? [] : [`  Content:  ${contentUrl}`]),
    '',
    'The secret is shown this once. Post a first statement:',
    '',
    `curl -u ${quote(`${key}:${secret}`)} -H 'X-Experience-API-Version: 1.0.3' -H 'Content-Type: application/json' -d ${quote(statement)} ${quote(`${url}/xapi/statements`)}`,
    '',
  ].join('\n');
}

/** One word of a POSIX shell. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
