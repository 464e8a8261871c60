import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Names a living process so that a later one with the same number is told apart; undefined when it has ended. */
export function processIdentity(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in parentheses and may itself hold spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, startTime] = [fields[0], fields[19]];
    // A zombie has ended; a container whose first process does not reap keeps it in the table for ever.
    return state === 'Z' || state === 'X' ? undefined : `started ${startTime}`;
  } catch {
    return answersSignals(pid) ? 'alive' : undefined;
  }
}

/** Whether the process that once had this number and identity still lives. */
export function isSameProcess(pid: number, identity: string): boolean {
  const now = processIdentity(pid);
  if (now === undefined) return false;
  return now === identity || now === 'alive' || identity === 'alive';
}

/** The command line of a living process; undefined when it cannot be read. */
export function commandLine(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    try {
      return execFileSync('/bin/ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8', stdio: 'pipe' });
    } catch {
      return undefined;
    }
  }
}

function answersSignals(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
