import { type ChildProcess, fork } from 'node:child_process';
import type { Answer, Order } from './clients.ts';
import type { Tongue } from './dial.ts';

/** Many clients of one server, in processes of their own. */
export interface Crowd extends AsyncDisposable {
  /** Messages counted so far. */
  readonly total: number;
  /** Bytes of a counted message, on average. */
  readonly size: number;
  /** Resolves when every client has been told so many events more than when it was last asked. */
  hear(events: number): Promise<void>;
  /** When a client first heard of each event since it was last asked, by its number. */
  arrivals(): Promise<Map<number, number>>;
}

/** Whom a crowd talks to. */
export interface CrowdOptions {
  tongue: Tongue;
  url: string;
  count: number;
  /** Of the clients in turn; none for peers that ask for none. */
  tokens?: readonly string[];
}

const perProcess = 2500;
const patience = 30_000;

/** Connects the clients; resolves when each would be told of events. */
export async function gatherCrowd({ tongue, url, count, tokens = [] }: CrowdOptions): Promise<Crowd> {
  const groups = Array.from({ length: Math.ceil(count / perProcess) }, (_, n) => {
    const size = Math.min(perProcess, count - n * perProcess);
    const own = tokens.length > size ? tokens.slice(n * perProcess, n * perProcess + size) : [...tokens];
    return { child: fork(new URL('./clients.ts', import.meta.url)), size, own, last: { total: 0, bytes: 0 } as Answer };
  });
  const all = (order: (group: (typeof groups)[number]) => Order) =>
    Promise.all(groups.map(async (group) => (group.last = await tell(group.child, tongue, order(group)))));
  await all(({ size, own }) => ({ do: 'open', tongue, url, tokens: own, count: size }));
  let heard = 0;
  const sum = (of: (answer: Answer) => number) => groups.reduce((total, { last }) => total + of(last), 0);
  return {
    get total() {
      return sum((a) => a.total);
    },
    get size() {
      return sum((a) => a.bytes) / sum((a) => a.total);
    },
    async hear(events) {
      heard += events;
      await all(({ size }) => ({ do: 'await', total: heard * size }));
    },
    async arrivals() {
      const answers = await all(() => ({ do: 'arrivals' }));
      return new Map(answers[0]!.arrivals);
    },
    async [Symbol.asyncDispose]() {
      await all(() => ({ do: 'close' })).catch(() => {});
      for (const { child } of groups) child.disconnect();
    },
  };
}

function tell(child: ChildProcess, tongue: Tongue, order: Order): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => done(() => reject(new Error(why)));
    const onExit = () => fail('a client process ended');
    const onMessage = (answer: Answer) => (answer.error ? fail(answer.error) : done(() => resolve(answer)));
    const late = setTimeout(
      () => fail(`clients did not hear of everything within ${patience} ms (${tongue}: ${JSON.stringify(order)})`),
      patience,
    );
    const done = (settle: () => void) => {
      clearTimeout(late);
      child.off('exit', onExit).off('message', onMessage);
      settle();
    };
    child.once('exit', onExit).once('message', onMessage);
    child.send(order);
  });
}
