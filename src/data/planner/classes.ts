import type { Statement } from './statement.ts';
import type { PlanInput } from './value.ts';

/** A statement that is asked for many classes of viewers at once, each with values of its own. */
export interface Parameters {
  /**
   * The text; its last parameter before the classes' values is the classes, each a JSON list of its values' texts.
   * @param types PostgreSQL's types of the values, in their order
   */
  sql(types: readonly string[]): string;
  /** The same with the values of one class as parameters of their own, for PostgreSQL to infer their types from. */
  untypedSql: string;
  /** The values of a class. @throws MillraceError INVALID_INPUT */
  values(input: PlanInput): unknown[];
}

/** Stand in the text for the classes and for their values; no name in a schema can have them. */
const classesMark = '\u0002';
const valueMark = '\u0003';
const valuePattern = new RegExp(`${valueMark}(\\d+);`, 'g');

/**
 * Finishes a statement that is asked for many classes.
 * @param fixed how many parameters it has besides; the last of them is the list of classes
 * @param write the text around the relation of classes, which is called `k` and has the class's number, from 1, as `n`
 */
export function parametrise(statement: Statement, fixed: number, write: (classes: string) => string): Parameters {
  const known = statement.finish(write(classesMark), (n) => `${valueMark}${n};`);
  const spell = (parts: readonly string[], nameOf: (number: number) => string) => {
    const columns = ['u.n', ...parts].join(', ');
    const classes = `(select ${columns} from unnest($${fixed}::text[]) with ordinality u(v, n) offset 0) k`;
    return known.text
      .replaceAll(classesMark, () => classes)
      .replaceAll(valuePattern, (_, number: string) => nameOf(Number(number)));
  };
  return {
    untypedSql: spell([], (number) => `$${fixed + number}`),
    sql: (types) =>
      spell(
        types.map((type, i) => `(u.v::json->>${i})::${type} as v${i + 1}`),
        (number) => `k.v${number}`,
      ),
    values: known.values,
  };
}
