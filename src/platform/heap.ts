import { setFlagsFromString } from 'node:v8';

/**
 * From now on garbage is collected when there is as much of it as of what is in use; V8 alone waits until there is three
 * times as much. What streams by is garbage soon, so a server would take several times the memory that it needs.
 */
export function boundGarbage(): void {
  setFlagsFromString('--heap-growing-percent=100');
}
