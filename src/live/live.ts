/**
 * What is live: streams of changes and live queries, over the log.
 *
 * A transport hands over an operation and its end of the connection (a *sink*); what happens between them is shared by all
 * who asked for the same in the same class.
 */

import type { PlannedField } from '../data/planner/plan.ts';
import type { Operation, Reads } from '../data/reads.ts';
import { rulesOf } from '../data/reads.ts';
import type { Verdicts } from '../data/rules/verdicts.ts';
import { invalidInput, MillraceError } from '../errors.ts';
import type { CursorSeal } from '../log/cursor.ts';
import type { LogPosition } from '../log/entry.ts';
import type { LogSource } from '../log/log-source.ts';
import type { LogTail } from '../log/tail.ts';
import type { Database } from '../platform/db.ts';
import type { Logger } from '../platform/log.ts';
import { ChangeFeed } from './change-feed.ts';
import { ChangeListener } from './change-listener.ts';
import { createChangePlans, type PreparedChanges } from './change-plans.ts';
import { createStretches, type LiveParts } from './live-parts.ts';
import { createLiveQueries, type LiveQueries } from './live-queries.ts';
import { createMarkers } from './markers.ts';
import { createImages } from './relevance.ts';
import type { ChangesField } from './schema.ts';
import { type Sink, type Stream, turnAway } from './sink.ts';

/** Opens streams. */
export interface Live extends Disposable {
  /**
   * Begins to tell the changes that a subscription's root field asks for.
   * @throws MillraceError INVALID_INPUT, when its arguments cannot be used; UNAVAILABLE
   */
  openChanges(asked: AskedChanges, sink: Sink): Promise<Stream>;
  /** The queries that are kept answered. */
  readonly queries: LiveQueries;
}

/** A subscription to changes, as it was asked for. */
export interface AskedChanges {
  at: Operation;
  field: PlannedField;
  changes: ChangesField;
  verdicts: Verdicts;
  /** The argument `after`. */
  after: string | undefined;
  /** The place to go on from, whatever `after` says: of the stream that this one takes the place of. */
  from?: LogPosition;
}

const checkpointEvery = 30_000;

/** Makes the live engine of one application. */
export function createLive(given: {
  db: Database;
  reads: Reads;
  source: LogSource;
  tail: LogTail;
  seal: CursorSeal;
  log: Logger;
}): Live {
  const { db, reads, source, tail, seal, log } = given;
  const plans = createChangePlans(db, reads);
  const parts: LiveParts = {
    db,
    tail,
    seal,
    plans,
    markers: createMarkers(seal),
    images: createImages(),
    log,
    ...createStretches(source, tail),
  };
  const feeds = new Map<string, ChangeFeed>();
  let isOver = false;
  const stopHearing = tail.onGrowth(() => {
    for (const feed of feeds.values()) void feed.pump();
    queries.hear();
  });
  const timer = setInterval(() => {
    for (const feed of feeds.values()) feed.checkpoint();
  }, checkpointEvery).unref();

  const feedOf = (plan: PreparedChanges): ChangeFeed => {
    const known = feeds.get(plan.id);
    if (known) return known;
    const made: ChangeFeed = new ChangeFeed(plan, parts, () => {
      if (feeds.get(plan.id) === made) feeds.delete(plan.id);
    });
    feeds.set(plan.id, made);
    return made;
  };

  const queries = createLiveQueries(parts, reads);

  return {
    queries,
    async openChanges({ at, field, changes, verdicts, after, from }, sink) {
      const place = from ?? (after === undefined ? undefined : seal.open(after));
      if (after !== undefined && !place) throw invalidInput('after', 'is not a cursor of this API');
      const plan = await plans.plan(at, field, changes, verdicts);
      if (plan.hasCustomFields) {
        throw new MillraceError('INVALID_INPUT', 'fields of the application’s own cannot be selected of a change');
      }
      const viewers = plans.classOf(plan, { variables: at.variables, rules: rulesOf(plan, verdicts) });
      // A cursor from another node may be ahead of what this one has heard.
      if (place && (place.epoch !== tail.head.epoch || place.seq > tail.head.seq)) await tail.reach();
      if (isOver) return turnAway(sink);
      const feed = feedOf(plan);
      feed.turn();
      const isKnown = place && place.epoch === feed.epoch && place.seq <= tail.head.seq;
      const listener = new ChangeListener(feed.group(viewers), sink, isKnown ? place : { seq: feed.position });
      if (!place) listener.begin(parts.markers.checkpoint(plan, feed.epoch, feed.position));
      else if (!isKnown) listener.start(feed.resync('RESTARTED', feed.position));
      else listener.start();
      void feed.pump();
      return listener;
    },
    [Symbol.dispose]() {
      isOver = true;
      clearInterval(timer);
      stopHearing();
      for (const feed of feeds.values()) feed.leaveAll();
      queries.leaveAll();
    },
  };
}
