import { createHash } from 'node:crypto';
import { invalidInput } from '../../errors.ts';
import { type ColumnField, identifyingFields, isDocument, type Model } from '../model/datamodel.ts';
import { comparable, mayFail } from './column-filter.ts';
import {
  apiModelOf,
  type Compiler,
  column,
  countedItems,
  countTerm,
  fieldCalled,
  type Place,
  relatedness,
  visible,
} from './compiler.ts';
import { isColumnText, isCountText, isJsonText } from './cursor-text.ts';
import { partSql, segmentsOf, sortedSql } from './json-path.ts';
import { relatedFrom } from './relation.ts';
import { searchOrder } from './search.ts';
import { all } from './statement.ts';
import type { Value } from './value.ts';
import { ifVisible, targetOf } from './where.ts';

/** A direction of something. */
export interface Ordering {
  expression: string;
  direction: 'asc' | 'desc';
  nulls: 'first' | 'last';
  isNullable: boolean;
}

/** One thing that rows are ordered by. */
export interface OrderTerm extends Ordering {
  isCount?: boolean;
  /** Whether a text in a cursor could be a value of it. */
  accepts(text: string): boolean;
  /** Spells the term; the terms' labels tell one order from another in a cursor. */
  label: string;
}

/**
 * The order of a list: what the client asks for, then the primary key, so that no two rows tie and a cursor always has a
 * place to stand.
 */
export function compileOrder(c: Compiler, model: Model, alias: string, orderBy: Value): OrderTerm[] {
  const asked = countedItems(c, orderBy).map((item) => orderTerm(c, model, alias, item));
  const said = new Set(asked.map((term) => term.expression));
  const rest = identifyingFields(model)
    // @NOTE by what they are in SQL: a key that is hidden from the viewer tells no rows apart when it is asked for.
    .filter((field) => !said.has(column(c, model, alias, field, 'rule')))
    .map((field) => tieBreak(c, model, alias, field));
  return [...asked, ...rest];
}

/**
 * What tells rows apart that tie: their key. A key that the viewer may not read stands in its cursors as a keyed hash, which
 * tells rows apart as well and tells nothing else.
 */
function tieBreak(c: Compiler, model: Model, alias: string, field: ColumnField): OrderTerm {
  const key = column(c, model, alias, field, 'rule');
  const accepts = (text: string) => isColumnText(field, text);
  const term = { direction: 'asc', nulls: 'last', isNullable: !field.isRequired, accepts } as const;
  const isShown = apiModelOf(c, model.name).nameOf.has(field.name) && column(c, model, alias, field, 'client') === key;
  if (isShown) return { ...term, expression: key, label: field.name };
  const { cursorSecret } = c.limits;
  if (!cursorSecret) throw new Error('a key is to be hidden, and there is no secret to hide it by');
  const bound = c.statement.parameter(() => cursorSecret);
  const expression = `encode(sha256(convert_to(${bound}::text || ${key}::text, 'UTF8')), 'hex')`;
  // @NOTE the secret's mark: a cursor made by another one would name a wrong place.
  const mark = createHash('sha256').update(cursorSecret).digest('base64url').slice(0, 8);
  return { ...term, expression, label: `${field.name}#${mark}`, accepts: () => true };
}

function orderTerm(c: Compiler, model: Model, alias: string, item: Value): OrderTerm {
  const keys = item.keys();
  const [key] = keys;
  if (key === undefined || keys.length > 1)
    throw invalidInput(item.path, 'must name exactly one field; use a list for several');
  const value = item.get(key);
  // Each may be a sub-select of its own, in every row and every cursor.
  countTerm(c, value.path, 10);
  const found = searchOrder(c, model, alias, key, value);
  if (found) return found;
  const field = fieldCalled(c, model, key, 'client');
  if (!field) throw invalidInput(value.path, `${model.name} has no field ${key}`);
  if (field.kind === 'column') {
    const expression = column(c, model, alias, field, 'client');
    if (isDocument(field)) return partTerm(c, { model, alias }, field, expression, value);
    const { direction, nulls } = directionOf(value);
    const isNullable = !field.isRequired || expression.startsWith('(case');
    const accepts = (text: string) => isColumnText(field, text);
    return { expression, direction, nulls, isNullable, label: `${field.name}:${direction}:${nulls}`, accepts };
  }
  const target = targetOf(c, field);
  const other = c.statement.alias(target.table);
  const from = () =>
    `from ${relatedFrom(c, field, target, other)} where ${all([relatedness(c, model, field, alias, other, 'client'), visible(c, target, other, 'client')])}`;
  if (field.isList) {
    const { direction, nulls } = directionOf(value.get('_count'));
    const expression = `(select count(*) ${from()})`;
    return {
      expression,
      direction,
      nulls,
      isNullable: false,
      isCount: true,
      accepts: isCountText,
      label: `${field.name}.count:${direction}`,
    };
  }
  const inner = orderTerm(c, target, other, value);
  const expression = `(select ${inner.expression} ${from()})`;
  // Of a row that is not there none are related.
  if (inner.isCount)
    return { ...inner, expression: `coalesce(${expression}, 0)`, label: `${field.name}.${inner.label}` };
  return { ...inner, expression, isNullable: true, label: `${field.name}.${inner.label}` };
}

/** @NOTE the path is part of the label, so that a cursor does not go on behind a value of another part. */
function partTerm(c: Compiler, { model, alias }: Place, field: ColumnField, document: string, value: Value): OrderTerm {
  const { direction, nulls } = directionOf(value);
  const segments = segmentsOf(value.get('path'));
  const part = sortedSql(partSql(comparable(field, document), segments));
  return {
    // @NOTE where a page begins is a condition too, which is asked of any row.
    expression: mayFail(field) ? ifVisible(c, model, alias, 'client', part) : part,
    direction,
    nulls,
    isNullable: true,
    label: `${field.name}${JSON.stringify(segments)}:${direction}:${nulls}`,
    accepts: isJsonText,
  };
}

/** `asc`, or `{ sort: asc, nulls: last }`; PostgreSQL holds null for the greatest value. */
export function directionOf(value: Value): Pick<OrderTerm, 'direction' | 'nulls'> {
  const sort = typeof value.now === 'string' ? value.now : value.get('sort').now;
  if (sort !== 'asc' && sort !== 'desc') throw invalidInput(value.path, 'must be asc or desc');
  const nulls = value.get('nulls').now;
  if (nulls === 'first' || nulls === 'last') return { direction: sort, nulls };
  return { direction: sort, nulls: sort === 'asc' ? 'last' : 'first' };
}

/** The same order from its end. */
export const reversed = (terms: readonly OrderTerm[]): OrderTerm[] =>
  terms.map((term) => ({
    ...term,
    direction: term.direction === 'asc' ? 'desc' : 'asc',
    nulls: term.nulls === 'first' ? 'last' : 'first',
  }));

/** The SQL after `order by`. */
export const orderSql = (terms: readonly Ordering[]): string =>
  terms
    .map(({ expression, direction, nulls, isNullable }) => {
      const isDefault = (direction === 'asc') === (nulls === 'last');
      return `${expression} ${direction}${isNullable && !isDefault ? ` nulls ${nulls}` : ''}`;
    })
    .join(', ');
