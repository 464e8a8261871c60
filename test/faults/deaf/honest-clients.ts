// A process that holds the clients that read, told by messages what to do.
import { percentile } from '../../../bench/statistics.ts';
import { type Line, openLine } from './line.ts';
import { Tally } from './tally.ts';
import { type Ask, cursorIn, eventIn, kinds, newestIn } from './topic.ts';

/** What the process is told. */
export type HonestOrder =
  /** Answers when each client is told of what is written from now on. */
  | { do: 'open'; url: string; clients: { ask: Ask; token: string }[] }
  /** Events from one number to another were known to be committed at this time; not answered. */
  | { do: 'committed'; from: number; to: number; at: number }
  /** Answers with the latencies of these stretches of events. */
  | { do: 'measure'; stretches: [from: number, to: number][] }
  /** Answers when everybody has been told of the event with this number, or after 20 s, with what is missing. */
  | { do: 'finish'; last: number };

/** Milliseconds from a commit's return at whoever made it to the message's arrival, over all clients. */
export interface Latency {
  p50: number;
  p99: number;
  count: number;
}

/** What came of the clients that read. */
export interface HonestVerdict {
  told: number;
  lost: number;
  disordered: number;
  /** Connections that ended. */
  ended: number;
}

const most = 1_000_000;
const now = () => performance.timeOrigin + performance.now();
const committedAt = new Float64Array(most);
const clients: { ask: Ask; tally: Tally; arrivals: Float64Array; newest: number; line?: Line }[] = [];
let ended = 0;

/** Resolves when the client has been told where each of its operations begins. */
function open(url: string, { ask, token }: { ask: Ask; token: string }): Promise<void> {
  const client: (typeof clients)[number] = {
    ask,
    tally: new Tally({ isByKind: ask === 'many' }),
    arrivals: new Float64Array(ask === 'live' ? 0 : most),
    newest: 0,
  };
  clients.push(client);
  let beginnings = ask === 'many' ? kinds : 1;
  return new Promise((resolve) => {
    client.line = openLine({
      url,
      token,
      ask,
      told(message) {
        const event = eventIn(message);
        if (event === undefined) {
          if ((ask === 'live' || cursorIn(message) !== undefined) && --beginnings === 0) resolve();
        } else if (ask === 'live') client.newest = newestIn(message);
        else {
          client.tally.take(event);
          client.arrivals[event] = now();
        }
      },
      ended: () => {
        ended += 1;
      },
    });
  });
}

function measure([from, to]: [number, number]): Latency {
  const times: number[] = [];
  for (const { arrivals } of clients) {
    for (let n = from; n <= to && n < arrivals.length; n += 1)
      if (arrivals[n]! > 0) times.push(arrivals[n]! - committedAt[n]!);
  }
  times.sort((a, b) => a - b);
  return { p50: percentile(times, 0.5), p99: percentile(times, 0.99), count: times.length };
}

async function finish(last: number): Promise<HonestVerdict> {
  const deadline = now() + 20_000;
  const isTold = ({ ask, newest, tally }: (typeof clients)[number]) => (ask === 'live' ? newest : tally.newest) >= last;
  while (now() < deadline && !clients.every(isTold)) await new Promise((resolve) => setTimeout(resolve, 20));
  const read = clients.filter(({ ask }) => ask !== 'live');
  for (const { tally } of read) tally.finish(last);
  const sum = (of: (tally: Tally) => number) => read.reduce((total, { tally }) => total + of(tally), 0);
  const behind = clients.filter(({ ask, newest }) => ask === 'live' && newest < last).length;
  const verdict = {
    told: sum((t) => t.count),
    lost: sum((t) => t.lost) + behind,
    disordered: sum((t) => t.disordered),
    ended,
  };
  for (const { line } of clients) line?.close();
  return verdict;
}

process.on('message', async (order: HonestOrder) => {
  switch (order.do) {
    case 'open':
      await Promise.all(order.clients.map((client) => open(order.url, client)));
      process.send!({});
      return;
    case 'committed':
      return void committedAt.fill(order.at, order.from, order.to + 1);
    case 'measure':
      return void process.send!(order.stretches.map(measure));
    case 'finish':
      return void process.send!(await finish(order.last));
  }
});
process.once('disconnect', () => process.exit(0));
