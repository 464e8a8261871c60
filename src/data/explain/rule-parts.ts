/**
 * A rule's `where` taken apart, so that each part can be asked of the row alone. What is taken apart: the keys of a `where`
 * and `AND` (all must hold), `OR` (one is enough), `NOT` (none may hold), the same behind relations to one row, and what `some`
 * asks of one related row. Everything else is a part as it is.
 */
import { type Datamodel, type Model, modelNamed } from '../model/datamodel.ts';
import { isRecord } from '../planner/value.ts';

/** What the parts beside each other are to one another. */
export type RuleJoin = 'ALL' | 'ANY' | 'NONE' | 'SOME';

/** A `where` in a rule's words. */
export type RuleWhere = Readonly<Record<string, unknown>>;

/** A part of a rule's `where`. */
export interface RulePart {
  /** The way to it through the `where`, as `OR.1.project`. */
  path: string;
  joined: RuleJoin;
  /** It as a `where` of its own, on the rule's model. */
  where: RuleWhere;
  /** It stands below a `NOT`. */
  isNegated: boolean;
}

/** Parts of one rule, at most: a claim may have made a list of any length of it. */
const maxParts = 200;

/** A place in the `where`, and how a `where` of its model becomes one of the rule's. */
interface Place {
  model: Model;
  path: readonly string[];
  isNegated: boolean;
  /** Stands behind a relation. */
  isBehind: boolean;
  wrap: (where: RuleWhere) => RuleWhere;
}

interface Piece {
  path: readonly string[];
  /** Where its own parts stand. */
  at: Place;
  where: RuleWhere;
}

interface Split {
  joined: RuleJoin;
  pieces: readonly Piece[];
}

/** The parts of a rule, each before those that it has itself; none of one that is a single condition. */
export function partsOf(datamodel: Datamodel, model: Model, where: RuleWhere): RulePart[] {
  const parts: RulePart[] = [];
  const visit = (at: Place, inner: RuleWhere) => {
    const split = splitOf(datamodel, at, inner);
    if (!split || parts.length + split.pieces.length > maxParts) return;
    for (const piece of split.pieces) {
      const { wrap, isNegated } = piece.at;
      parts.push({ path: piece.path.join('.'), joined: split.joined, where: wrap(piece.where), isNegated });
      if (split.joined !== 'SOME') visit(piece.at, piece.where);
    }
  };
  visit({ model, path: [], isNegated: false, isBehind: false, wrap: (whole) => whole }, where);
  return parts;
}

/** What a `where` consists of; undefined where it is one condition. What has one part only is looked into. */
function splitOf(datamodel: Datamodel, at: Place, where: RuleWhere): Split | undefined {
  const keys = Object.keys(where);
  const [key] = keys;
  if (key === undefined) return undefined;
  if (keys.length > 1) {
    const pieces = keys.map((name) => ({ path: [...at.path, name], at, where: { [name]: where[name] } }));
    return { joined: 'ALL', pieces };
  }
  const value = where[key];
  const below = { ...at, path: [...at.path, key] };
  if (key === 'AND' || key === 'OR' || key === 'NOT') return splitList(datamodel, below, key, value);
  const field = at.model.fields.get(key);
  if (field?.kind !== 'relation' || !isRecord(value)) return undefined;
  const target = { ...below, model: modelNamed(datamodel, field.target), isBehind: true };
  if (field.isList) {
    const some = Object.keys(value).length === 1 ? value.some : undefined;
    if (!isRecord(some) || Object.keys(some).length < 2) return undefined;
    return narrowed({ ...target, path: [...below.path, 'some'], wrap: (w) => at.wrap({ [key]: { some: w } }) }, some);
  }
  if (!('is' in value || 'isNot' in value)) {
    return splitOf(datamodel, { ...target, wrap: (w) => at.wrap({ [key]: w }) }, value);
  }
  if (Object.keys(value).length > 1 || !isRecord(value.is)) return undefined;
  const is = { ...target, path: [...below.path, 'is'], wrap: (w: RuleWhere) => at.wrap({ [key]: { is: w } }) };
  return splitOf(datamodel, is, value.is);
}

function splitList(datamodel: Datamodel, at: Place, key: 'AND' | 'OR' | 'NOT', value: unknown): Split | undefined {
  const items = Array.isArray(value) ? value : [value];
  // @NOTE that a row behind a relation does not match does not say that there is one.
  if (!items.every(isRecord) || (key === 'NOT' && at.isBehind)) return undefined;
  const isNegated = at.isNegated || key === 'NOT';
  const pieces = items.map((where, i): Piece => {
    const path = [...at.path, String(i)];
    return { path, at: { ...at, path, isNegated }, where };
  });
  if (key === 'NOT') return { joined: 'NONE', pieces };
  if (pieces.length > 1) return { joined: key === 'AND' ? 'ALL' : 'ANY', pieces };
  return pieces[0] && splitOf(datamodel, pieces[0].at, pieces[0].where);
}

/** One condition, then that one and the next, and so on: the first that no related row meets is the one that is missed. */
function narrowed(at: Place, some: RuleWhere): Split {
  const entries = Object.entries(some);
  const pieces = entries.map(([name], i) => {
    return { path: [...at.path, name], at, where: Object.fromEntries(entries.slice(0, i + 1)) };
  });
  return { joined: 'SOME', pieces };
}
