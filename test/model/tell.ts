import { type ModelViewer, mayRead, type RuledWorld, sightOf } from './access.ts';
import { answerOf, type Selection } from './answer.ts';
import { applyChanges } from './apply.ts';
import { matches } from './where.ts';
import { isSameRow, type Row, shapeOf } from './world.ts';

/** A change of one row: null is where there was none, or is none any more. */
export interface RowChange {
  model: string;
  before: Row | null;
  after: Row | null;
}

/** What a subscriber is told. */
export interface Told {
  type: 'CREATED' | 'UPDATED' | 'DELETED' | 'ENTERED' | 'REMOVED';
  reason: 'HIDDEN' | 'FILTERED' | null;
  key: Row;
  node: unknown;
  previous: unknown;
  changedFields: string[] | null;
}

/** A subscription to a model's changes. */
export interface Subscriber {
  viewer: ModelViewer;
  where?: unknown;
  node: Selection;
  previous: Selection;
}

/**
 * What a subscriber is told of a change; undefined when it is nothing of theirs.
 * @param now the world in which it is judged
 * @param then the same with the rows that went in the change's transaction: the old row is judged among them
 */
export function tellChange(by: Subscriber, change: RowChange, now: RuledWorld, then: RuledWorld): Told | undefined {
  const { model, before, after } = change;
  const { viewer, where = null } = by;
  const [sight, sightThen] = [sightOf(now, viewer), sightOf(then, viewer)];
  const isSeen = after !== null && mayRead(now, viewer, model, after);
  const matchesNow = isSeen && matches(sight, model, after, where) === true;
  const matchedThen =
    before !== null && mayRead(then, viewer, model, before) && matches(sightThen, model, before, where) === true;
  if (!matchesNow && !matchedThen) return undefined;
  const { key, columns } = shapeOf(now, model);
  const keyOf = (row: Row, of: typeof sight) => Object.fromEntries(key.map((k) => [k, of.valueOf(model, row, k)]));
  const nodeOf = () => answerOf(sight, model, after!, by.node);
  const previousOf = () => answerOf(sight, model, before!, by.previous, sightThen);
  const nothing = { reason: null, node: null, previous: null, changedFields: null };
  if (matchesNow && matchedThen) {
    const changedFields = Object.keys(columns).filter(
      (c) => JSON.stringify(sight.valueOf(model, after, c)) !== JSON.stringify(sightThen.valueOf(model, before, c)),
    );
    if (changedFields.length === 0) return undefined;
    const key = keyOf(after, sight);
    return { ...nothing, type: 'UPDATED', key, node: nodeOf(), previous: previousOf(), changedFields };
  }
  if (matchesNow) {
    return { ...nothing, type: before === null ? 'CREATED' : 'ENTERED', key: keyOf(after, sight), node: nodeOf() };
  }
  const gone = { ...nothing, key: keyOf(before!, sightThen) };
  if (after === null) return { ...gone, type: 'DELETED', previous: previousOf() };
  if (isSeen) return { ...gone, type: 'REMOVED', reason: 'FILTERED', previous: previousOf() };
  return { ...gone, type: 'REMOVED', reason: 'HIDDEN' };
}

/**
 * Whether a change of another row lets rows of the subscriber's model in or out of their sight: each row is asked for among the
 * changed row as it was, and as it is.
 * @param since what was made and deleted of the model's rows since: those that were made tell of themselves, those that were
 * deleted were still there
 */
export function changesSight(
  by: Subscriber,
  model: string,
  change: RowChange,
  now: RuledWorld,
  since: readonly RowChange[],
): boolean {
  const { viewer, where = null } = by;
  const whole = { ...change, model: change.model };
  const without = applyChanges(now, [{ ...whole, before: change.after ?? change.before, after: null }]);
  const world = (row: Row | null) =>
    row === null ? without : applyChanges(without, [{ ...whole, before: null, after: row }]);
  const [asItWas, asItIs] = [world(change.before), world(change.after)];
  const isIn = (at: RuledWorld, row: Row) => mayRead(at, viewer, model, row);
  const sight = sightOf(now, viewer);
  const shape = shapeOf(now, model);
  const gone = since.flatMap(({ before, after }) => (before !== null && after === null ? [before] : []));
  const isNew = (row: Row) => since.some(({ before, after }) => before === null && isSameRow(shape, after!, row));
  return [...(now.rows[model] ?? []), ...gone].some(
    (row) => !isNew(row) && matches(sight, model, row, where) === true && isIn(asItWas, row) !== isIn(asItIs, row),
  );
}
