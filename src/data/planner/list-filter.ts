import { invalidInput } from '../../errors.ts';
import type { ColumnField } from '../model/datamodel.ts';
import type { Compiler } from './compiler.ts';
import { eachOf, encoderOf } from './encode.ts';
import { all } from './statement.ts';
import { isRecord, type Value } from './value.ts';

/** Writes Prisma's filter of a scalar list (`has`, `hasSome`, `hasEvery`, `isEmpty`, `equals`) as a condition. */
export function listFilter(c: Compiler, field: ColumnField, expression: string, value: Value): string {
  const one = encoderOf(field);
  const bindList = (operand: Value) => c.statement.bind(operand, eachOf(one));
  if (!isRecord(value.now)) return value.now === null ? `${expression} is null` : `${expression} = ${bindList(value)}`;
  return all(
    value.keys().map((key) => {
      const operand = value.get(key);
      // @NOTE in a rule unknown, as elsewhere: the contrary of `has: null`, a claim that is null, must not open all rows.
      if (operand.now === null)
        return key === 'equals' ? `${expression} is null` : c.statement.isRule ? 'null::boolean' : 'false';
      switch (key) {
        case 'equals':
          return `${expression} = ${bindList(operand)}`;
        case 'has':
          return `${c.statement.bind(operand, one)} = any(${expression})`;
        case 'hasSome':
          return `${expression} && ${bindList(operand)}`;
        case 'hasEvery':
          return `${expression} @> ${bindList(operand)}`;
        case 'isEmpty':
          return `cardinality(${expression}) ${operand.now ? '=' : '>'} 0`;
        default:
          throw invalidInput(operand.path, `${field.name} has no filter ${key}`);
      }
    }),
  );
}
