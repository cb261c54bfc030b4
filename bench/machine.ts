import { execFileSync } from 'node:child_process';
import { closeSync, fdatasyncSync, openSync, readFileSync, realpathSync, rmSync, writeSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { basename, join } from 'node:path';
import { median } from './rounds.js';

/** Where figures were measured. */
export interface Machine {
  cpu: string;
  cores: number;
  /** Bytes. */
  memory: number;
  /** Device, its model where it tells, and file system of the benchmark's folder. */
  disk: string;
  /** Milliseconds of writing 4 KB and having it on disk, median of 50. */
  syncTakes: number;
  system: string;
  node: string;
  /** Commit of the program, where it is in a git repository. */
  commit?: string;
}

/** Describes this machine. @param folder where the benchmark has its data */
export function describeMachine(folder: string): Machine {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() || 'unknown', cores: processors.length, memory: totalmem(),
    disk: describeDisk(folder), syncTakes: measureSync(folder),
    system: `${process.platform} ${release()} ${process.arch}`, node: process.version, commit: commit(),
  };
}

function describeDisk(folder: string): string {
  if (process.platform !== 'linux') return 'unknown';
  const path = realpathSync(folder);
  const mounts = readFileSync('/proc/mounts', 'utf8').trim().split('\n').map((line) => line.split(' '));
  const inside = mounts.filter(([, point]) => point === '/' || path === point || path.startsWith(`${point}/`));
  const [device = 'unknown', , kind = ''] = inside.sort((a, b) => b[1]!.length - a[1]!.length)[0] ?? [];
  const name = basename(device).replace(/p?\d+$/, '');
  const read = (file: string): string | undefined => {
    try {
      return readFileSync(`/sys/block/${name}/${file}`, 'utf8').trim();
    } catch {
      return undefined;
    }
  };
  const rotational = read('queue/rotational');
  const what = [read('device/model'), rotational === undefined ? undefined : rotational === '0' ? 'not rotating' : 'rotating'].filter(Boolean).join(', ');
  return `${device}${what ? ` (${what})` : ''}, ${kind}`;
}

function measureSync(folder: string): number {
  const file = join(folder, 'sync-probe');
  const descriptor = openSync(file, 'w');
  const block = Buffer.alloc(4096, 1);
  const times: number[] = [];
  for (let at = 0; at < 50; at++) {
    const began = performance.now();
    writeSync(descriptor, block);
    fdatasyncSync(descriptor);
    times.push(performance.now() - began);
  }
  closeSync(descriptor);
  rmSync(file);
  return median(times);
}

function commit(): string | undefined {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return undefined;
  }
}
