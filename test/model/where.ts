import { all, any, not, type Truth } from './truth.ts';
import { isParts, matchesValue } from './values.ts';
import { type Relation, type Row, relatedRows, type Sight, shapeOf } from './world.ts';

/** A Prisma `where`. */
export type Where = Readonly<Record<string, unknown>>;

/** What a `where` comes to for a row, among what the sight holds. What is undefined in it is unknown. */
export function matches(sight: Sight, model: string, row: Row, where: unknown): Truth {
  if (where === null) return true;
  if (!isParts(where)) return undefined;
  return all(Object.entries(where).map(([key, value]) => condition(sight, model, row, key, value)));
}

function condition(sight: Sight, model: string, row: Row, key: string, value: unknown): Truth {
  if (value === undefined) return undefined;
  const parts = () => (Array.isArray(value) ? value : [value]).map((part) => matches(sight, model, row, part));
  if (key === 'AND') return all(parts());
  if (key === 'OR') return value === null ? true : any(parts());
  if (key === 'NOT') return all(parts().map(not));
  const { columns, relations } = shapeOf(sight, model);
  const [type, relation] = [columns[key], relations[key]];
  if (relation) return relationMatches(sight, relation, row, value);
  if (type) return holdsUndefined(value) ? undefined : matchesValue(type, sight.valueOf(model, row, key), value);
  // A key of several fields: its name holds their values.
  if (isParts(value)) return matches(sight, model, row, value);
  throw new Error(`the model's ${model} has no ${key}`);
}

function relationMatches(sight: Sight, relation: Relation, row: Row, value: unknown): Truth {
  const others = relatedRows(sight, relation, row);
  const truthOf = (other: Row, where: unknown) => matches(sight, relation.to, other, where);
  const exists = (where: unknown, wanted: boolean): Truth =>
    open(
      where,
      others.some((other) => truthOf(other, where) === wanted),
    );
  // One row at most, but for a row that was deleted and made anew in one transaction.
  const one = (where: unknown): Truth => open(where, any(others.map((other) => truthOf(other, where))));
  if (value === null) return relation.isList || others.length === 0;
  const parts = value as Where;
  const keys = Object.keys(parts);
  if (!relation.isList && !keys.every((key) => key === 'is' || key === 'isNot')) return one(parts);
  return all(
    keys.map((key) => {
      const where = parts[key];
      if (where === undefined) return undefined;
      switch (key) {
        case 'is':
          return where === null ? others.length === 0 : one(where);
        case 'isNot':
          return where === null ? others.length > 0 : not(one(where));
        case 'some':
          return exists(where, true);
        case 'none':
          return where === null ? true : not(exists(where, true));
        case 'every':
          return where === null ? true : not(exists(where, false));
        default:
          throw new Error(`the model has no filter ${key} of relations`);
      }
    }),
  );
}

/** That nothing was found proves nothing, where it was not said what to look for. */
const open = (where: unknown, found: Truth): Truth => (found === false && holdsUndefined(where) ? undefined : found);

function holdsUndefined(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(holdsUndefined);
  return isParts(value) ? Object.values(value).some(holdsUndefined) : value === undefined;
}
