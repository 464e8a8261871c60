import type { Deaf, Dozer } from './deaf-clients.ts';
import type { Ask } from './topic.ts';

/** Members of the workspace, whose tokens the clients have. */
export const people = 4;

const turn = <T>(count: number, make: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => make(n));

/** Twenty clients that ask for all that the deaf ask for, so that these add nothing but their deafness. */
export function honestClients(tokens: readonly string[]): { ask: Ask; token: string }[] {
  const asks: Ask[] = [
    ...(['changes', 'changes', 'events', 'changes', 'changes'] as const),
    ...(['changes', 'changes', 'events', 'live', 'many'] as const),
  ];
  return turn(20, (n) => ({ ask: asks[n % asks.length]!, token: tokens[n % people]! }));
}

/** Half of them subscribe on a WebSocket; a quarter reads events; the others have live queries, or several operations. */
export function deafClients(tokens: readonly string[]): Deaf[] {
  const asks: Ask[] = ['changes', 'events', 'changes', 'live', 'changes', 'events', 'changes', 'many'];
  return turn(200, (n) => {
    const ask = asks[n % asks.length]!;
    const [round, place] = [n >> 3, (n % asks.length) >> 1];
    // Those with a live query or several operations are of the classes of honest ones.
    const person = ask === 'live' ? (round % 2) * 2 : ask === 'many' ? (round % 2) * 2 + 1 : (round + place) % people;
    return { ask, token: tokens[person]!, pongs: round % 2 === 0, resumes: (round >> 1) % 2 === 0 };
  });
}

/**
 * They wake about the time at which they are cut off, for they left pings unanswered (15 to 30 seconds) or what they were sent
 * unread (30 and as long as the kernel took it): some before, some in the moment, some after it.
 */
export function dozers(tokens: readonly string[]): Dozer[] {
  const sleeps = { changes: [17, 21, 25, 29, 33], pongs: [32, 34, 36, 38], events: [36] };
  return Object.entries(sleeps).flatMap(([kind, list]) =>
    list.map((seconds, n) => ({
      ask: kind === 'events' ? 'events' : 'changes',
      pongs: kind === 'pongs',
      token: tokens[n % people]!,
      sleeps: seconds * 1000,
    })),
  );
}
