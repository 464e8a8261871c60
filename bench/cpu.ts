import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** What Linux says of one process: who started it, and its ticks of CPU. */
export interface ProcessTimes {
  parent: number;
  /** Its own, in user mode and in the kernel. */
  own: number;
  /** Those of its children that have ended and been waited for. */
  endedChildren: number;
}

/** Reads `/proc/<pid>/stat` (proc_pid_stat(5)); the name in its second field may hold blanks and brackets. */
export function parseStat(text: string): ProcessTimes {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  // The first of these is the third of the manual's list.
  const field = (number: number) => Number(fields[number - 3]);
  return { parent: field(4), own: field(14) + field(15), endedChildren: field(16) + field(17) };
}

/** Ticks in a second. */
export const ticksPerSecond = (): number => Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** Ticks that one process has used. */
export const ticksOf = (pid: number): number => parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8')).own;

/** Ticks that a process has used together with its children, those that have ended included. */
export function ticksOfFamily(pid: number): number {
  const times = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => (statOf(name) ? [{ pid: Number(name), ...statOf(name)! }] : []));
  return times
    .filter((process) => process.pid === pid || process.parent === pid)
    .reduce((sum, process) => sum + process.own + (process.pid === pid ? process.endedChildren : 0), 0);
}

function statOf(pid: string): ProcessTimes | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined; // it ended just now
  }
}
