import { classOf } from '../data/class-values.ts';
import type { PlannedField } from '../data/planner/plan.ts';
import { type Operation, type Reads, rulesOf } from '../data/reads.ts';
import type { Verdicts } from '../data/rules/verdicts.ts';
import { MillraceError } from '../errors.ts';
import { placeIn } from '../log/cursor.ts';
import type { LiveParts } from './live-parts.ts';
import { QueryGroup } from './query-group.ts';
import { QueryListener } from './query-listener.ts';
import { watchFor } from './relevance.ts';
import { createSharedRuns } from './shared-runs.ts';
import { type Sink, type Stream, turnAway } from './sink.ts';

/** A live query, as it was asked. */
export interface AskedQuery {
  at: Operation;
  fields: readonly PlannedField[];
  verdicts: Verdicts;
  asPatch: boolean;
}

/** The live queries of one application. */
export interface LiveQueries {
  /** Begins to answer. @throws MillraceError when the arguments cannot be used */
  open(asked: AskedQuery, sink: Sink): Stream;
  /** The log has grown. */
  hear(): void;
  /** Ends every stream, to be begun anew elsewhere. */
  leaveAll(): void;
  /** Statements that were run: for tests and for the curious. */
  readonly runs: number;
}

/** Keeps live queries answered. */
export function createLiveQueries(parts: LiveParts, reads: Reads): LiveQueries {
  const { db, tail, seal } = parts;
  const sealPlace = (place: string) => seal.seal(placeIn(place)!);
  const groups = new Map<string, QueryGroup>();
  let heard = tail.head;
  let runs = 0;
  let isOver = false;
  const runShared = createSharedRuns(db, reads, () => {
    runs += 1;
  });
  return {
    get runs() {
      return runs;
    },
    open({ at, fields, verdicts, asPatch }, sink) {
      const plan = reads.plan(at, at.schema.getQueryType()!, fields, verdicts);
      if (plan.hasCustomFields) {
        throw new MillraceError('INVALID_INPUT', 'fields of the application’s own cannot be part of a live query');
      }
      if (isOver) return turnAway(sink);
      const input = { variables: at.variables, rules: rulesOf(plan, verdicts) };
      const values = classOf(plan.values(input));
      const key = JSON.stringify([plan.name ?? plan.sql, asPatch, values]);
      let group = groups.get(key);
      if (!group) {
        const run = async () => reads.finish(await runShared(plan, values), sealPlace);
        const question = { run, watch: watchFor(plan.dependencies, input), asPatch };
        group = new QueryGroup(question, parts, () => groups.delete(key));
        groups.set(key, group);
      }
      const listener = new QueryListener(group, sink);
      group.join(listener);
      return listener;
    },
    hear() {
      const { head } = tail;
      const entries = head.epoch === heard.epoch ? tail.recent(heard.seq) : undefined;
      heard = head;
      if (entries?.length === 0) return;
      for (const group of groups.values()) group.hear(entries, parts.images);
    },
    leaveAll() {
      isOver = true;
      for (const group of [...groups.values()]) for (const listener of [...group.listeners]) listener.leave();
    },
  };
}
