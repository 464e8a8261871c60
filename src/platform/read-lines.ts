/**
 * Lines for quick reads. A *line* is a connection that is sent the next statement before the last one is answered, which saves
 * both sides most of their waiting and switching: a third of what a read of one row costs. PostgreSQL answers a line in order, so a
 * statement that takes its time delays those behind it: a line takes prepared statements that have been quick, and one that
 * is slow once goes back to the pool for a while.
 */
import type { Writable } from 'node:stream';
import { LRUCache } from 'lru-cache';
import type pg from 'pg';
import { translateDatabaseError } from './db-errors.ts';
import { readTexts, type TextRead } from './text-query.ts';

/** Sends quick reads down shared connections. */
export interface ReadLines {
  /** The rows; undefined where the pool has to answer. Rejects with what the driver says. */
  send(read: TextRead): Promise<unknown[][]> | undefined;
  /** Is told how long the pool has taken for a read, in milliseconds. */
  learn(name: string, took: number): void;
  /** Lets the lines finish and gives their connections back. */
  close(): Promise<void>;
}

/**
 * Milliseconds. A read that the pool has once answered within `tried` may be quick: of a busy process most of that is its own waiting. How
 * long it keeps a line busy tells: more than `quick` in the mean, as by 32 once, and it goes back to the pool, for `rest` at first and
 * for twice as long each time. On a busy machine that may be by mistake, so that it is forgiven after `pardon` answers.
 */
const pace = { tried: 15, quick: 1, rest: 1000, longestRest: 60_000, pardon: 1000 };

/** The weight of the newest time in the mean. */
const newest = 1 / 32;

/** Reads under way on one line. */
const maxUnderWay = 32;

/** How many statements' pace is known. */
const maxKnown = 2000;

/** What is known of a statement: whether it may take a line, and how long it keeps one busy. */
interface Pace {
  isQuick: boolean;
  mean: number;
  /** Answers by a line since it was last let on one. */
  answers: number;
  rest: number;
  restsUntil: number;
}

interface Line {
  client: pg.PoolClient;
  underWay: number;
  prepared: Set<string>;
  isBroken: boolean;
  lastAnswer: number;
  isGathering: boolean;
  whenEmpty?: () => void;
}

/**
 * Makes lines over a pool whose clients were made for pipelining.
 * @param count how many connections of the pool they may hold
 * @param mayKeep told of each statement that is prepared on a connection; false where it should not be used any longer
 */
export function createReadLines(
  pool: pg.Pool,
  count: number,
  mayKeep: (client: pg.PoolClient, name: string, text: string) => boolean,
): ReadLines {
  const lines: Line[] = [];
  const paces = new LRUCache<string, Pace>({ max: maxKnown });
  let opening = 0;
  let isClosed = false;

  const open = () => {
    opening += 1;
    pool.connect().then(
      (client) => {
        opening -= 1;
        const line: Line = {
          client,
          underWay: 0,
          prepared: new Set(),
          isBroken: false,
          lastAnswer: 0,
          isGathering: false,
        };
        client.once('end', () => retire(line));
        if (isClosed) return client.release();
        lines.push(line);
      },
      () => {
        opening -= 1; // the pool says the same to whoever asks it next
      },
    );
  };
  const retire = (line: Line) => {
    if (!lines.includes(line)) return;
    lines.splice(lines.indexOf(line), 1);
    line.isBroken = true;
    if (line.underWay === 0) line.client.release(true);
  };
  const leastBusy = (): Line | undefined => {
    let least: Line | undefined;
    for (const line of lines) if (!least || line.underWay < least.underWay) least = line;
    return least && least.underWay < maxUnderWay ? least : undefined;
  };
  const judge = (name: string, took: number, now: number) => {
    const known = paces.get(name);
    if (!known?.isQuick) return;
    known.answers += 1;
    known.mean += newest * (took - known.mean);
    if (known.mean <= pace.quick) return;
    const rest = known.answers > pace.pardon ? pace.rest : Math.min(2 * known.rest, pace.longestRest);
    Object.assign(known, { isQuick: false, rest, restsUntil: now + rest });
  };
  const run = async (line: Line, read: TextRead): Promise<unknown[][]> => {
    const sent = performance.now();
    const isPrepared = line.prepared.has(read.name);
    line.underWay += 1;
    gather(line);
    try {
      const rows = await readTexts(line.client, read);
      line.prepared.add(read.name);
      if (!mayKeep(line.client, read.name, read.text)) retire(line);
      return rows;
    } catch (error) {
      const { code } = translateDatabaseError(error);
      if (code === 'UNAVAILABLE' || code === 'INTERNAL') retire(line);
      throw error;
    } finally {
      const now = performance.now();
      // @NOTE not the first time, when PostgreSQL has planned it besides.
      if (isPrepared) judge(read.name, now - Math.max(sent, line.lastAnswer), now);
      line.lastAnswer = now;
      line.underWay -= 1;
      if (line.underWay === 0) {
        line.whenEmpty?.();
        if (line.isBroken) line.client.release(true);
      }
    }
  };

  return {
    send(read) {
      if (!paces.get(read.name)?.isQuick || isClosed) return undefined;
      if (lines.length + opening < count) open();
      const line = leastBusy();
      return line && run(line, read);
    },
    learn(name, took) {
      const known = paces.get(name);
      if (took > pace.tried || performance.now() < (known?.restsUntil ?? 0)) return;
      paces.set(name, { isQuick: true, mean: 0, answers: 0, rest: known?.rest ?? pace.rest / 2, restsUntil: 0 });
    },
    async close() {
      isClosed = true;
      const finished = [...lines].map(async (line) => {
        if (line.underWay > 0) await new Promise<void>((resolve) => Object.assign(line, { whenEmpty: resolve }));
        retire(line);
      });
      await Promise.all(finished);
    },
  };
}

/** Statements that come in one turn of the event loop leave in one write. */
function gather(line: Line): void {
  if (line.isGathering) return;
  line.isGathering = true;
  const { stream } = (line.client as unknown as { connection: { stream: Writable } }).connection;
  stream.cork();
  setImmediate(() => {
    line.isGathering = false;
    stream.uncork();
  });
}
