// The process that all requests come from, told by messages what to do.
import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom } from '../../src/cli/seed/random.ts';
import { type Actions, createActions } from './actions.ts';
import { createDocuments } from './documents.ts';
import { createHttpClient } from './http-client.ts';
import { type Editor, gatherPeople } from './people.ts';
import { receiveVisitors, type Visitors } from './sockets.ts';

/** What the process is told; it answers each with its tally. */
export type Order =
  /** So much of everything that is new, as fast as it goes: caches are full afterwards. */
  | { do: 'flood'; url: string; directory: string; editors: readonly Editor[]; seed: number }
  /** So many actions a second from now on, of all kinds, while sockets come and go. */
  | { do: 'go on'; rate: number; visitors: number }
  /** Answers when nothing is under way but sockets. */
  | { do: 'rest' };

/** What was done so far, and what of it did not end as it had to. */
export interface Tally {
  done: Partial<Record<keyof Actions, number>>;
  wrong: Partial<Record<keyof Actions, number>>;
  /** The first errors of what had to be answered. */
  complaints: readonly string[];
  sockets?: Visitors['counts'];
  error?: string;
}

/** Of a hundred actions. */
const mixture: Record<keyof Actions, number> = {
  fresh: 38,
  hot: 20,
  named: 8,
  register: 5,
  batch: 5,
  write: 6,
  fault: 7,
  stranger: 3,
  newcomer: 4,
  glance: 4,
};
const kinds = Object.entries(mixture).flatMap(([kind, share]) =>
  Array<keyof Actions>(share).fill(kind as keyof Actions),
);

/** Above every bound there is: plans, documents, errors of documents, statements, tokens, texts. */
const flood: [keyof Actions, number][] = [
  ['newcomer', 2200],
  ['fault', 3000],
  ['register', 1200],
  ['glance', 1800],
  ['fresh', 3000],
];

const done: Tally['done'] = {};
const wrong: Tally['wrong'] = {};
const complaints: string[] = [];
const atOnce = 8;
let actions: Actions;
let visit: (count: number) => Visitors;
let visitors: Visitors | undefined;
let resting: Promise<unknown> | undefined;
let isResting = false;

async function act(kind: keyof Actions): Promise<void> {
  const isRight = await actions[kind]().catch(() => false);
  done[kind] = (done[kind] ?? 0) + 1;
  if (!isRight) wrong[kind] = (wrong[kind] ?? 0) + 1;
}

async function fill({ url, directory, editors, seed }: Extract<Order, { do: 'flood' }>): Promise<void> {
  const random = createRandom(seed);
  const parts = {
    url,
    random,
    http: createHttpClient(url),
    documents: createDocuments(random),
    people: await gatherPeople(random, directory, editors),
  };
  actions = createActions({ ...parts, complain: (errors) => complaints.length < 5 && complaints.push(errors) });
  visit = (count) => receiveVisitors(count, parts);
  for (const [kind, count] of flood) {
    let left = count;
    const actInTurn = async () => {
      while (left-- > 0) await act(kind);
    };
    await Promise.all(Array.from({ length: atOnce }, actInTurn));
  }
}

/** @NOTE no more at once than in a flood: where the machine is busy there are fewer actions, not longer queues. */
function goOn({ rate, visitors: count }: Extract<Order, { do: 'go on' }>): void {
  visitors ??= visit(count);
  isResting = false;
  const random = createRandom(Date.now());
  const actInTurn = async () => {
    while (!isResting) {
      const began = performance.now();
      await act(random.pick(kinds));
      await sleep(Math.max(0, (atOnce / rate) * 1000 - (performance.now() - began)));
    }
  };
  resting = Promise.all(Array.from({ length: atOnce }, actInTurn));
}

async function follow(order: Order): Promise<void> {
  if (order.do === 'flood') await fill(order);
  if (order.do === 'go on') goOn(order);
  if (order.do === 'rest') {
    isResting = true;
    await resting;
  }
}

process.on('message', (order: Order) => {
  const tally = () => ({ done, wrong, complaints, ...(visitors && { sockets: visitors.counts }) });
  follow(order).then(
    () => process.send!(tally()),
    (error: unknown) => process.send!({ ...tally(), error: String(error) }),
  );
});
process.once('disconnect', () => process.exit(0));
