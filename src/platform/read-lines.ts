/**
 * Lines for quick reads. A *line* is a connection that is sent the next statement before the last one is answered, which saves
 * both sides most of their waiting and switching: a third of what a read of one row costs. PostgreSQL answers a line in order, so a
 * statement that takes its time would delay those behind it: a line takes prepared statements that have been quick, one that
 * is slow goes back to the pool for a while, and what waits behind it meanwhile is asked of the pool.
 */
import type { Writable } from 'node:stream';
import type pg from 'pg';
import { translateDatabaseError } from './db-errors.ts';
import { createReadPaces, timeWaited } from './read-paces.ts';
import { readTexts, type TextRead } from './text-query.ts';

/** Sends quick reads down shared connections. */
export interface ReadLines {
  /** The rows; undefined where the pool has to answer. Rejects with what the driver says. */
  send(read: TextRead): Promise<unknown[][]> | undefined;
  /** Is told how long this process has waited while the pool answered a read, in milliseconds. */
  learn(name: string, waited: number): void;
  /** Lets the lines finish and gives their connections back. */
  close(): Promise<void>;
}

/**
 * Milliseconds: a line whose first statement takes longer than the first is avoided, and nothing waits behind it for longer than
 * the second.
 */
const patience = { slow: 50, heldUp: 250, least: 5 };

/** Reads under way on one line. */
const maxUnderWay = 32;

/** What is prepared on which connection. */
export interface PreparedStatements {
  has(client: pg.PoolClient, name: string): boolean;
  /** Is told of each statement that was; false where the connection should not be used any longer. */
  add(client: pg.PoolClient, name: string, text: string): boolean;
}

/** A read on a line, and whoever waits for it. */
interface Waiting {
  read: TextRead;
  resolve: (rows: unknown[][]) => void;
  reject: (error: unknown) => void;
  /** The pool answers it: what the line says of it is heard by nobody. */
  isPassedOn: boolean;
}

interface Line {
  client: pg.PoolClient;
  /** In the order in which they were sent, and are answered. */
  waiting: Waiting[];
  /** When PostgreSQL could begin with the first of them. */
  since: number;
  /** What `timeWaited` said then. */
  waitedBefore: number;
  isWatched: boolean;
  isBroken: boolean;
  isGone: boolean;
  isGathering: boolean;
  whenEmpty?: () => void;
}

/**
 * Makes lines over a pool whose clients were made for pipelining.
 * @param count how many connections of the pool they may hold
 * @param byPool asks the pool for a read whose line is held up
 * @param prepared what is prepared on which connection
 */
export function createReadLines(
  pool: pg.Pool,
  count: number,
  byPool: (read: TextRead) => Promise<unknown[][]>,
  prepared: PreparedStatements,
): ReadLines {
  const lines: Line[] = [];
  const paces = createReadPaces();
  const passedOn = new Set<Promise<void>>();
  let opening = 0;
  let isClosed = false;

  const open = () => {
    opening += 1;
    pool.connect().then(
      (client) => {
        opening -= 1;
        const flags = { isWatched: false, isBroken: false, isGone: false, isGathering: false };
        const line: Line = { client, waiting: [], since: 0, waitedBefore: 0, ...flags };
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
    leaveIfDone(line);
  };
  /** Gives a retired connection back once nobody waits for it. What it still has to say is not waited for either. */
  const leaveIfDone = (line: Line) => {
    if (!line.isBroken || line.isGone || !line.waiting.every(({ isPassedOn }) => isPassedOn)) return;
    line.isGone = true;
    if (line.waiting.length > 0) streamOf(line).destroy();
    line.client.release(true);
  };
  const isSlowerThan = (milliseconds: number, { waiting, since }: Line): boolean =>
    waiting.length > 0 && performance.now() - since > milliseconds;
  const leastBusy = (): Line | undefined => {
    let least: Line | undefined;
    for (const line of lines)
      if (!isSlowerThan(patience.slow, line) && (!least || line.waiting.length < least.waiting.length)) least = line;
    return least && least.waiting.length < maxUnderWay ? least : undefined;
  };
  /** Looks after a line for as long as anything is under way on it. */
  const watch = (line: Line) => {
    if (line.isWatched) return;
    line.isWatched = true;
    // @NOTE what has been answered while this process was busy is read before it is judged.
    const look = () =>
      setImmediate(() => {
        line.isWatched = false;
        if (isSlowerThan(patience.heldUp, line)) passOn(line);
        if (line.waiting.length > 0 && !line.isGone) watch(line);
      });
    setTimeout(look, Math.max(line.since + patience.heldUp - performance.now(), patience.least) + 1).unref();
  };
  /** Has the pool answer what waits behind the first of a line: it is only read, so it may be asked for twice. */
  const passOn = (line: Line) => {
    const held = line.waiting.slice(1).filter(({ isPassedOn }) => !isPassedOn);
    if (held.length === 0) return;
    for (const one of held) {
      one.isPassedOn = true;
      const passing = byPool(one.read)
        .then(one.resolve, one.reject)
        .finally(() => passedOn.delete(passing));
      passedOn.add(passing);
    }
    retire(line);
  };
  const run = async (line: Line, waiting: Waiting): Promise<void> => {
    const { read } = waiting;
    const isPrepared = prepared.has(line.client, read.name);
    if (line.waiting.length === 0) begin(line);
    line.waiting.push(waiting);
    gather(line);
    watch(line);
    try {
      const rows = await readTexts(line.client, read);
      if (!prepared.add(line.client, read.name, read.text)) retire(line);
      if (!waiting.isPassedOn) waiting.resolve(rows);
    } catch (error) {
      const { code } = translateDatabaseError(error);
      if (code === 'UNAVAILABLE' || code === 'INTERNAL') retire(line);
      if (!waiting.isPassedOn) waiting.reject(error);
    } finally {
      // @NOTE not the first time, when PostgreSQL has planned it besides.
      if (isPrepared && !waiting.isPassedOn) paces.answeredByLine(read.name, timeWaited() - line.waitedBefore);
      begin(line);
      line.waiting.splice(line.waiting.indexOf(waiting), 1);
      if (line.waiting.length === 0) line.whenEmpty?.();
      leaveIfDone(line);
    }
  };

  return {
    send(read) {
      if (!paces.isQuick(read.name) || isClosed) return undefined;
      if (lines.length + opening < count) open();
      const line = leastBusy();
      if (!line) return undefined;
      return new Promise((resolve, reject) => void run(line, { read, resolve, reject, isPassedOn: false }));
    },
    learn: paces.answeredByPool,
    async close() {
      isClosed = true;
      const finished = [...lines].map(async (line) => {
        if (line.waiting.length > 0) await new Promise<void>((resolve) => Object.assign(line, { whenEmpty: resolve }));
        retire(line);
      });
      await Promise.all(finished);
      await Promise.all(passedOn);
    },
  };
}

/** PostgreSQL begins with the first of what waits now. */
const begin = (line: Line): void => void Object.assign(line, { since: performance.now(), waitedBefore: timeWaited() });

/** Statements that come in one turn of the event loop leave in one write. */
function gather(line: Line): void {
  if (line.isGathering) return;
  line.isGathering = true;
  const stream = streamOf(line);
  stream.cork();
  setImmediate(() => {
    line.isGathering = false;
    stream.uncork();
  });
}

const streamOf = ({ client }: Line): Writable =>
  (client as unknown as { connection: { stream: Writable } }).connection.stream;
