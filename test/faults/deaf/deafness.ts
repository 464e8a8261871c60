/**
 * Two hundred clients that never read, while others do: the server stays as it is, and those who read notice little.
 *
 * The same rows are written and the same clients read throughout: alone at first, then beside the deaf, then alone again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { openGround } from '../ground.ts';
import { ask } from '../postgres.ts';
import { deafClients, dozers, honestClients, people } from './cast.ts';
import { startCrowd } from './crowd.ts';
import type { Awakening, DeafOrder, DeafVerdict } from './deaf-clients.ts';
import type { HonestOrder, HonestVerdict, Latency } from './honest-clients.ts';
import { openLine } from './line.ts';
import { Load } from './load.ts';
import { ProcessWatch, type Usage } from './process-watch.ts';
import { eventIn, insertEvents, makePlace, setup } from './topic.ts';

/** What came of it. */
export interface Deafness {
  alone: Stage;
  beside: Stage;
  after: Stage;
  honest: HonestVerdict;
  deaf: DeafVerdict;
  awakenings: Awakening[];
  isReady: boolean;
  /** A client that comes at the end is told what is written then. */
  takesNewcomers: boolean;
  /** The last words of the node, if it ended. */
  deaths: readonly string[];
  seconds: number;
}

/** One part of the run. */
export interface Stage extends Usage {
  title: string;
  whole: Latency;
  /** Of a few seconds each. */
  windows: Latency[];
  /** Events that were written in a second. */
  rate: number;
}

const window = 5000;
/** Milliseconds: until the node's memory of the newest changes is full, then each stage. */
const durations = { settle: 10_000, alone: 15_000, beside: 60_000, after: 5000 };

/** Does it, and takes everything down. */
export async function runDeafness(say: (line: string) => void): Promise<Deafness> {
  const began = performance.now();
  await using ground = await openGround();
  const { nursery, issuer, postgres, makeNode } = ground;
  const place = makePlace(people);
  const node = await makeNode('node');
  await node.start();
  const database = postgres.url('faults');
  await ask(database, setup(place));
  const tokens = await Promise.all(place.people.map((sub) => issuer.mint({ sub })));
  const { url } = node;

  const honest = startCrowd<HonestOrder>(nursery, 'honest-clients.ts');
  await honest.ask({ do: 'open', url, clients: honestClients(tokens) });
  const load = new Load(database, place.project, (from, to) =>
    honest.tell({ do: 'committed', from, to, at: performance.timeOrigin + performance.now() }),
  );
  await load.start();
  say('20 honest clients read what is written');
  await sleep(durations.settle);
  using server = new ProcessWatch(node.child.pid);
  const measure = async (title: string, duration: number): Promise<Stage> => {
    const [from, since] = [load.last + 1, performance.now()];
    const stretches: [number, number][] = [];
    for (let left = duration; left > 0; left -= window) {
      const first = load.last + 1;
      await sleep(Math.min(window, left));
      stretches.push([first, load.last]);
    }
    const rate = ((load.last - from) * 1000) / (performance.now() - since);
    const usage = server.since(since);
    await sleep(500); // the last ones arrive
    stretches.unshift([from, stretches.at(-1)![1]]);
    const [whole, ...windows] = await honest.ask<Latency[]>({ do: 'measure', stretches });
    say(`${title}: p99 ${whole!.p99.toFixed(1)} ms, at most ${usage.peak.toFixed(0)} MB`);
    return { title, whole: whole!, windows, rate, ...usage };
  };

  const alone = await measure('honest clients alone', durations.alone);
  const crowd = startCrowd<DeafOrder>(nursery, 'deaf-clients.ts');
  const deaf = deafClients(tokens);
  await crowd.ask({ do: 'open', url, deaf, dozers: dozers(tokens) });
  const beside = await measure(`beside ${deaf.length} that never read`, durations.beside);
  const verdict = await crowd.ask<DeafVerdict>({ do: 'end' });
  const after = await measure('alone again', durations.after);
  await load.stop();
  return {
    ...{ alone, beside, after },
    honest: await honest.ask<HonestVerdict>({ do: 'finish', last: load.last }),
    deaf: verdict,
    awakenings: await crowd.ask<Awakening[]>({ do: 'resume', last: load.last }),
    isReady: (await fetch(`${url}/ready`)).ok,
    takesNewcomers: await isTold(url, tokens[0]!, () =>
      ask(database, insertEvents, [place.project, load.last + 1, load.last + 10]),
    ),
    deaths: [...node.deaths],
    seconds: (performance.now() - began) / 1000,
  };
}

/** Whether a client that comes now is told, within five seconds, of ten events that are written as soon as it listens. */
function isTold(url: string, token: string, write: () => Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const events: number[] = [];
    const settle = () => {
      clearTimeout(late);
      line.close();
      resolve(events.length === 10);
    };
    const late = setTimeout(settle, 5000);
    const line = openLine({
      ...{ url, token, ask: 'changes' },
      told(message) {
        const event = eventIn(message);
        if (event === undefined) void write();
        else if (events.push(event) === 10) settle();
      },
      ended: () => {},
    });
  });
}
