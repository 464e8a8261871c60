// A process that holds the clients that never read, and those that doze for a while; told by messages what to do.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Line, openLine } from './line.ts';
import { Tally } from './tally.ts';
import { type Ask, cursorIn, eventIn } from './topic.ts';

/** A client that never reads. */
export interface Deaf {
  ask: Ask;
  token: string;
  /** It answers pings without having read them. */
  pongs: boolean;
  /** It goes on from its last cursor when it has been cut off; otherwise it begins anew. */
  resumes: boolean;
}

/** A client that reads nothing for so many milliseconds, then everything, and comes back later. */
export interface Dozer {
  ask: Ask;
  token: string;
  /** It answers pings without having read them. */
  pongs: boolean;
  sleeps: number;
}

/** What the process is told. */
export type DeafOrder =
  /** Answers when all have been told something, and have stopped to read. */
  | { do: 'open'; url: string; deaf: Deaf[]; dozers: Dozer[] }
  /** Ends those that never read; answers how often they were cut off. */
  | { do: 'end' }
  /** Answers when each that has dozed has gone on from its last cursor up to this event, or after a minute. */
  | { do: 'resume'; last: number };

/** What came of those that never read. */
export interface DeafVerdict {
  /** Connections that the server ended, by what was asked on them. */
  cuts: Partial<Record<Ask, number>>;
  /** The fewest that were connected at a time, of those that are always to be. */
  fewest: number;
}

/** What came of one that dozed. */
export interface Awakening {
  ask: Ask;
  /** The code that it was closed with; undefined when its connection just ended, or did not. */
  code: number | undefined;
  /** It had been cut off; otherwise it woke in time, and read on. */
  wasCut: boolean;
  told: number;
  lost: number;
  disordered: number;
}

interface Dozing {
  dozer: Dozer;
  line: Line | undefined;
  wasCut: boolean;
  code: number | undefined;
  cursor: string | undefined;
  tally: Tally | undefined;
}

const probeEvery = 1000;
/** The longest that one waits before it connects again, in milliseconds; as clients do, so that they do not come all at once. */
const backOff = 2000;
const deafLines = new Set<Line>();
const dozing: Dozing[] = [];
const verdict: DeafVerdict = { cuts: {}, fewest: Number.POSITIVE_INFINITY };
let url = '';
let isOver = false;

/** Keeps one client connected that never reads; resolves when it is deaf for the first time. */
function keepDeaf(deaf: Deaf, after?: string): Promise<void> {
  const { ask, token, pongs, resumes } = deaf;
  return new Promise((resolve) => {
    let cursor = after;
    let probing: NodeJS.Timeout | undefined;
    const line = openLine({
      url,
      token,
      ask,
      after,
      told(message) {
        cursor = cursorIn(message) ?? cursor;
        line.pause();
        deafLines.add(line);
        probing = setInterval(() => line.probe(pongs), probeEvery);
        resolve();
      },
      ended() {
        clearInterval(probing);
        if (isOver) return;
        if (deafLines.delete(line)) verdict.cuts[ask] = (verdict.cuts[ask] ?? 0) + 1;
        verdict.fewest = Math.min(verdict.fewest, deafLines.size);
        const again = () => void keepDeaf(deaf, resumes ? cursor : undefined).then(resolve);
        setTimeout(again, Math.random() * backOff);
      },
    });
  });
}

/** Lets one client doze; resolves when it does. */
function doze(dozer: Dozer): Promise<void> {
  const nothing = { line: undefined, code: undefined, cursor: undefined, tally: undefined };
  const state: Dozing = { dozer, wasCut: false, ...nothing };
  dozing.push(state);
  let probing: NodeJS.Timeout | undefined;
  return new Promise((resolve) => {
    const line: Line = openLine({
      ...{ url, token: dozer.token, ask: dozer.ask },
      told(message) {
        const isFirst = state.cursor === undefined;
        take(state, message);
        if (!isFirst) return;
        line.pause();
        if (dozer.pongs) probing = setInterval(() => line.probe(true), probeEvery);
        setTimeout(() => line.resume(), dozer.sleeps);
        resolve();
      },
      ended(code) {
        clearInterval(probing);
        state.wasCut = true;
        state.code = code;
      },
    });
    state.line = line;
  });
}

function take(state: Dozing, message: Buffer): void {
  state.cursor = cursorIn(message) ?? state.cursor;
  const event = eventIn(message);
  if (event === undefined) return;
  state.tally ??= new Tally({ begun: event - 1 });
  state.tally.take(event);
}

function resume(state: Dozing, last: number): Promise<Awakening> {
  const { dozer, wasCut, code } = state;
  state.line?.close();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(late);
      line.close();
      state.tally?.finish(last);
      const { count = 0, lost = last, disordered = 0 } = state.tally ?? {};
      resolve({ ask: dozer.ask, code, wasCut, told: count, lost, disordered });
    };
    const late = setTimeout(done, 60_000);
    // Who woke in time is told nothing more.
    if ((state.tally?.newest ?? 0) >= last) setImmediate(done);
    const line = openLine({
      ...{ url, token: dozer.token, ask: dozer.ask, after: state.cursor },
      told(message) {
        take(state, message);
        if ((state.tally?.newest ?? 0) >= last) done();
      },
      ended() {},
    });
  });
}

process.on('message', async (order: DeafOrder) => {
  switch (order.do) {
    case 'open':
      url = order.url;
      await Promise.all([
        ...order.deaf.map(async (one, n) => {
          await sleep((n * backOff) / order.deaf.length);
          await keepDeaf(one);
        }),
        ...order.dozers.map(doze),
      ]);
      verdict.fewest = deafLines.size;
      return void process.send!({});
    case 'end':
      isOver = true;
      for (const line of deafLines) line.close();
      return void process.send!(verdict);
    case 'resume':
      return void process.send!(await Promise.all(dozing.map((state) => resume(state, order.last))));
  }
});
process.once('disconnect', () => process.exit(0));
