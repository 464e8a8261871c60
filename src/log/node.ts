/**
 * One node's part in the log: it captures, takes its turn at moving the inbox, and follows what any node has moved.
 *
 * Ways of a change: trigger → inbox → (the leading node) log → hint on the bus → every node's tail → whoever listens there.
 * A hint that is lost costs half a second; no change is.
 */
import { randomUUID } from 'node:crypto';
import { AsyncDisposableStack } from '@whatwg-node/disposablestack';
import type { Datamodel } from '../data/model/datamodel.ts';
import type { Bus } from '../platform/bus/bus.ts';
import { type Database, openSession } from '../platform/db.ts';
import type { Logger } from '../platform/log.ts';
import { type Installation, installCapture } from './capture.ts';
import { type CursorSeal, createCursorSeal } from './cursor.ts';
import type { LogHint, LogSource } from './log-source.ts';
import { createPostgresLog } from './postgres-log.ts';
import { Sequencer } from './sequencer.ts';
import { LogTail } from './tail.ts';

/** The log, as the rest of a node uses it. */
export interface LogNode extends AsyncDisposable {
  source: LogSource;
  tail: LogTail;
  seal: CursorSeal;
  /** A transaction of this node has just been committed: whoever leads should look. */
  wrote(): void;
  /** Resolves while changes are told soon after their commit; rejects when the oldest waits too long (for /ready). */
  isMoving(): Promise<void>;
  /** Captures these models from now on, in place of those before. */
  capture(datamodel: Datamodel): Promise<Installation>;
}

const hints = 'log';
const pokes = 'written';
/** Seconds that a committed change may wait to be told before something is amiss. */
const longestLag = 10;
/** A hint that would be longer, in characters, travels without its entries. */
const largestHint = 256 * 1024;
/** How often a node looks whether every table still has its triggers, in milliseconds. */
const inspection = 60_000;

/** Opens a node's log: installs what is missing of it, and begins to follow it at its present end. */
export async function openLogNode(given: {
  db: Database;
  session: { url: string; statementTimeout: number };
  bus: Bus;
  /** How long changes are kept, in milliseconds. */
  retention: number;
  datamodel: Datamodel;
  log: Logger;
}): Promise<LogNode> {
  const { db, bus, log, session, retention } = given;
  await using stack = new AsyncDisposableStack();
  let { datamodel } = given;
  const inspect = async (): Promise<Installation> => {
    const found = await installCapture(db, datamodel);
    if (found.captured.length > 0) log.debug({ tables: found.captured }, 'changes of these tables are captured now');
    if (found.wasBroken) log.warn('tables had lost their capture, so streams begin anew');
    return found;
  };
  await inspect();
  const source = createPostgresLog(db);
  const tail = stack.use(await LogTail.open({ source, log }));
  const seal = createCursorSeal(await source.secret());
  // @NOTE the bus brings a node its own hints too; it has taken them already, and to read them again costs as much as to write them.
  const by = randomUUID();
  const ownBeginning = JSON.stringify({ by }).slice(0, -1);
  const announce = (hint: LogHint): void => {
    tail.hear(hint);
    const text = JSON.stringify({ by, ...hint });
    bus.publish(hints, text.length <= largestHint ? text : JSON.stringify({ by, ...hint, entries: undefined }));
  };
  const sequencer = stack.use(new Sequencer({ openSession: () => openSession(session), announce, retention, log }));
  stack.defer(
    bus.subscribe(hints, (message) => {
      if (!message.startsWith(ownBeginning)) tail.hear(JSON.parse(message) as LogHint);
    }),
  );
  stack.defer(bus.subscribe(pokes, () => sequencer.poke()));
  stack.defer(bus.onGap(() => void tail.catchUp()));
  const timer = setInterval(() => void inspect().catch(() => {}), inspection).unref();
  stack.defer(() => clearInterval(timer));
  const owned = stack.move();
  return {
    source,
    tail,
    seal,
    wrote() {
      if (sequencer.isLeader) sequencer.poke();
      else bus.publish(pokes, '');
    },
    async isMoving() {
      const lag = await source.lag();
      if (lag > longestLag) throw new Error(`changes have been waiting for ${Math.round(lag)} s`);
    },
    capture(next) {
      datamodel = next;
      return inspect();
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
