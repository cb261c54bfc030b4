import { parseArgs } from 'node:util';
import type { Target } from './scenario.js';

/** What the command line asks for. */
export interface Arguments {
  quick: boolean;
  /** Go on where an interrupted run stopped. */
  resume: boolean;
  /** Names of scenarios; all when undefined. */
  only?: string[];
  sizes: number[];
  peers: Target[];
  /** Shell command that empties the peers. */
  emptyPeers?: string;
  folder: string;
  rounds: number;
  /** Length of a round. */
  seconds: number;
}

/** How to call it. */
export const usage = `npm run bench -- [options]
  --quick               under two minutes: few rounds, short ones, small stores; prints and writes no results
  --only NAMES          scenarios, separated by commas
  --sizes NUMBERS       statements in the stores that reads are measured on (10000,1000000)
  --peer NAME=URL,USER,PASSWORD[,VERSION]
                        a running LRS, URL without a slash at its end; may be given several times
  --empty-peers COMMAND shell command that empties the peers and ends when they answer again; run before each
                        measurement of writing, and before peers are filled to be read
  --rounds N            rounds of each measurement (5)
  --seconds N           length of a round (3)
  --folder DIR          where stores are kept from run to run (bench/data)
  --resume              go on where an interrupted run stopped`;

/**
 * Reads the command line.
 * @param scenarios names that --only takes
 * @throws Error in words when it can't be used
 */
export function readArguments(words: string[], scenarios: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: words, strict: true,
    options: {
      quick: { type: 'boolean', default: false }, resume: { type: 'boolean', default: false }, only: { type: 'string' }, sizes: { type: 'string' },
      'empty-peers': { type: 'string' }, peer: { type: 'string', multiple: true, default: [] }, folder: { type: 'string', default: 'bench/data' }, rounds: { type: 'string' }, seconds: { type: 'string' },
    },
  });
  const { quick, resume, folder } = values;
  if (quick && resume) throw new Error('--quick writes no results that --resume could go on from.');
  const only = values.only?.split(',');
  const unknown = only?.find((name) => !scenarios.includes(name));
  if (unknown !== undefined) throw new Error(`There is no scenario ${JSON.stringify(unknown)}; there are ${scenarios.join(', ')}.`);
  const peers = values.peer.map(readPeer);
  const names = ['Quipu', ...peers.map(({ name }) => name)];
  const taken = names.find((name, index) => name.startsWith('bare ') || names.indexOf(name) < index);
  if (taken !== undefined) throw new Error(`A peer can't be called ${JSON.stringify(taken)}, as something else that is measured is.`);
  return {
    quick, resume, folder, only,
    sizes: values.sizes === undefined ? (quick ? [10_000] : [10_000, 1_000_000]) : values.sizes.split(',').map((size) => positive('--sizes', size, true)),
    peers,
    emptyPeers: values['empty-peers'],
    rounds: values.rounds === undefined ? (quick ? 2 : 5) : positive('--rounds', values.rounds, true),
    seconds: values.seconds === undefined ? (quick ? 0.7 : 3) : positive('--seconds', values.seconds, false),
  };
}

function positive(name: string, text: string, whole: boolean): number {
  const number = Number(text);
  if (!(number > 0) || (whole && !Number.isInteger(number))) throw new Error(`${name} takes ${whole ? 'whole ' : ''}numbers above 0, not ${JSON.stringify(text)}.`);
  return number;
}

function readPeer(text: string): Target {
  const parts = /^([^=]+)=(https?:\/\/[^,]+),([^,]*),([^,]*)(?:,([^,]+))?$/.exec(text);
  if (!parts) throw new Error(`--peer takes NAME=URL,USER,PASSWORD[,VERSION], not ${JSON.stringify(text)}.`);
  const [, name, url, user, password, version = '1.0.3'] = parts;
  return { name: name!, url: url!.replace(/\/+$/, ''), authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`, version };
}
