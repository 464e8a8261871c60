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
  const { members, endedChildren } = familyOf(pid);
  return members.reduce((sum, { own }) => sum + own, endedChildren);
}

/**
 * Microseconds of CPU that a process has used, all its threads together. Linux counts them exactly for each thread
 * (`/proc/<pid>/task/<tid>/schedstat`); a kernel that does not show it is asked for ticks.
 */
export const microsecondsOf = (pid: number, perSecond: number): number =>
  exactly(pid) ?? (ticksOf(pid) / perSecond) * 1e6;

/** The same of a process and its children; of those that have ended it is ticks that are known. */
export function microsecondsOfFamily(pid: number, perSecond: number): number {
  const { members, endedChildren } = familyOf(pid);
  const ofTicks = (ticks: number) => (ticks / perSecond) * 1e6;
  return members.reduce((sum, { pid: member, own }) => sum + (exactly(member) ?? ofTicks(own)), ofTicks(endedChildren));
}

function exactly(pid: number): number | undefined {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const times = threads.map((tid) => readFileSync(`/proc/${pid}/task/${tid}/schedstat`, 'utf8'));
    return times.reduce((sum, text) => sum + Number(text.split(' ', 1)[0]) / 1000, 0);
  } catch {
    return undefined;
  }
}

/** A process and its living children, and the ticks of its children that have ended. */
function familyOf(pid: number): { members: (ProcessTimes & { pid: number })[]; endedChildren: number } {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => (statOf(name) ? [{ pid: Number(name), ...statOf(name)! }] : []));
  const members = all.filter((process) => process.pid === pid || process.parent === pid);
  return { members, endedChildren: members.find((process) => process.pid === pid)?.endedChildren ?? 0 };
}

function statOf(pid: string): ProcessTimes | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined; // it ended just now
  }
}
