import { readdirSync, readFileSync } from 'node:fs';

/** Bytes of one process: all that is resident, and what of it is its own and no file's. */
export interface ProcessMemory {
  parent: number;
  resident: number;
  own: number;
}

/** Reads `/proc/<pid>/status` (proc_pid_status(5)). */
export function parseStatus(text: string): ProcessMemory {
  const field = (name: string) => Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(text)?.[1] ?? 0);
  return { parent: field('PPid'), resident: field('VmRSS') * 1024, own: field('RssAnon') * 1024 };
}

/** What one process has. @throws where it is gone */
export const memoryOf = (pid: number): ProcessMemory => parseStatus(readFileSync(`/proc/${pid}/status`, 'utf8'));

/** How many children a process has, and the bytes that they have for themselves: what they share counts for none. */
export function memoryOfChildren(pid: number): { count: number; own: number } {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return [memoryOf(Number(name))];
      } catch {
        return []; // it ended just now
      }
    })
    .filter(({ parent }) => parent === pid);
  return { count: children.length, own: children.reduce((sum, { own }) => sum + own, 0) };
}
