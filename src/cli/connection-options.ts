import { Option, type Command } from 'commander';

/** Adds the options by which a command finds its server: `ConnectionOptions`. */
export function withConnection(command: Command): Command {
  return command
    .option('--data-dir <folder>', 'data folder of the server (default: QUIPU_DATA_DIR, or ./data)')
    .option('--url <url>', 'a remote server, such as https://lrs.example.org')
    .addOption(new Option('--key <key>', 'key for the remote server').env('QUIPU_CLI_KEY'))
    .addOption(new Option('--secret <secret>', 'its secret').env('QUIPU_CLI_SECRET'));
}

/** Adds `--tenant`. */
export function withTenant(command: Command): Command {
  return command.option('--tenant <id>', 'the tenant this is about (default: default, or that of the key)');
}

/** Adds `--json`. */
export function withJson(command: Command): Command {
  return command.option('--json', 'print the result as JSON');
}
