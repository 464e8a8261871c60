/**
 * What can be measured of a field over many rows, and what comes out: `resultOf` is the one table of it, which the types of
 * the API and the planner's SQL both follow.
 */
import { type ColumnField, isOrderable, type ScalarType } from '../model/datamodel.ts';

/** Everything that is measured, by its name in the API. */
export const measures = ['count', 'distinct', 'min', 'max', 'sum', 'avg'] as const;

/** One of them. */
export type Measure = (typeof measures)[number];

/** PostgreSQL has no least of these, or none that means anything. */
const withoutLeast = new Set<string>(['Boolean', 'Bytes']);
const nativeWithoutLeast = new Set(['Bit', 'VarBit']);

/**
 * Sums lose no digit: one of Int may be greater than an Int, and one of BigInt greater than a BigInt, so each comes out as the
 * next greater type, as in PostgreSQL. Averages have as many digits as PostgreSQL divides to, sixteen at least.
 */
const sums: Partial<Record<ScalarType, ScalarType>> = {
  Int: 'BigInt',
  BigInt: 'Decimal',
  Float: 'Float',
  Decimal: 'Decimal',
};
const averages: Partial<Record<ScalarType, ScalarType>> = {
  Int: 'Float',
  BigInt: 'Decimal',
  Float: 'Float',
  Decimal: 'Decimal',
};

/** A measured value as a field: its type, how it is written and compared; undefined where the field cannot be measured so. */
export function resultOf(field: ColumnField, measure: Measure): ColumnField | undefined {
  switch (measure) {
    case 'count':
    case 'distinct':
      return countField;
    case 'min':
    case 'max':
      return hasLeast(field) ? { ...field, isRequired: false } : undefined;
    default: {
      if (field.isList || field.type.kind === 'enum') return undefined;
      const scalar = (measure === 'sum' ? sums : averages)[field.type.name];
      return scalar && { ...countField, type: { kind: 'scalar', name: scalar }, isRequired: false };
    }
  }
}

/** How many rows, as a field. */
export const countField: ColumnField = {
  kind: 'column',
  name: 'count',
  column: 'count',
  type: { kind: 'scalar', name: 'Int' },
  nativeArgs: [],
  isList: false,
  isRequired: true,
  isUpdatedAt: false,
};

const hasLeast = (field: ColumnField): boolean =>
  isOrderable(field) &&
  !(field.type.kind === 'scalar' && withoutLeast.has(field.type.name)) &&
  !nativeWithoutLeast.has(field.nativeType ?? '');

/** Whether rows can be grouped by the field: where PostgreSQL can tell whether two values are the same. */
export const isGroupable = isOrderable;

/** Whether a field holds a day or an instant, which can be grouped by month, say. */
export const hasUnits = ({ type, nativeType, isList }: ColumnField): boolean =>
  !isList && type.kind === 'scalar' && type.name === 'DateTime' && nativeType !== 'Time' && nativeType !== 'Timetz';
