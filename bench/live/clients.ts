// A process that holds clients, told by messages what to do.
import { dial, type Tongue } from './dial.ts';

/** What the process is told. */
export type Order =
  | { do: 'open'; tongue: Tongue; url: string; tokens: string[]; count: number }
  /** Answers when so many messages have been counted in all. */
  | { do: 'await'; total: number }
  /** Answers with the times at which the first client heard of each event, by the number in its title. */
  | { do: 'arrivals' }
  | { do: 'close' };

/** What it answers. */
export interface Answer {
  total: number;
  bytes: number;
  arrivals?: [number: number, at: number][];
  error?: string;
}

const closers: (() => void)[] = [];
let total = 0;
let bytes = 0;
let wanted: number | undefined;
let arrivals = new Map<number, number>();

const answer = (more: Partial<Answer> = {}) => process.send!({ total, bytes, ...more } satisfies Answer);
const now = () => performance.timeOrigin + performance.now();

function heard(message: Buffer): void {
  total += 1;
  bytes += message.length;
  if (wanted !== undefined && total >= wanted) {
    wanted = undefined;
    answer();
  }
}

function note(message: Buffer): void {
  const number = Number(/change (\d+) of/.exec(message.toString())?.[1]);
  if (!arrivals.has(number)) arrivals.set(number, now());
  heard(message);
}

/** @NOTE said at once: whoever waits for a client that is gone would wait for ever. */
const lost = (why: string) => answer({ error: why });

async function open({ tongue, url, tokens, count }: Extract<Order, { do: 'open' }>): Promise<void> {
  let next = 0;
  const dialInTurn = async () => {
    while (next < count) {
      const n = next++;
      closers.push(await dial(tongue, url, tokens[n % tokens.length], { heard: n === 0 ? note : heard, lost }));
    }
  };
  // A handshake at a time for each of a few dozen, or the kernel's queue of connections would overflow.
  await Promise.all(Array.from({ length: tongue === 'graphql' ? 200 : 50 }, dialInTurn));
}

process.on('message', (order: Order) => {
  switch (order.do) {
    case 'open':
      return void open(order).then(
        () => answer(),
        (error: unknown) => answer({ error: String(error) }),
      );
    case 'await':
      if (total >= order.total) answer();
      else wanted = order.total;
      return;
    case 'arrivals':
      answer({ arrivals: [...arrivals] });
      arrivals = new Map();
      return;
    case 'close':
      for (const close of closers.splice(0)) close();
      return answer();
  }
});
process.once('disconnect', () => process.exit(0));
