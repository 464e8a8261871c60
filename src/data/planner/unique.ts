import { invalidInput } from '../../errors.ts';
import type { ColumnField, Model } from '../model/datamodel.ts';
import type { Compiler } from './compiler.ts';
import { isRecord, type Value } from './value.ts';
import { compileWhere } from './where.ts';

/**
 * The condition that names at most one row: a unique key, whole and not null, and whatever other filters stand beside it.
 * @throws INVALID_INPUT when no unique key is given
 */
export function uniqueCondition(c: Compiler, model: Model, alias: string, where: Value): string {
  const given = (field: ColumnField, value: Value) => {
    const name = c.api.models.get(model.name)?.nameOf.get(field.name);
    const now = name === undefined ? undefined : value.get(name).now;
    return now !== undefined && now !== null && !isRecord(now);
  };
  const isNamed = model.uniqueKeys.some(({ name, fields }) =>
    fields.length === 1 ? given(fields[0]!, where) : fields.every((field) => given(field, where.get(name))),
  );
  if (!isNamed) {
    throw invalidInput(where.path, `must name one row by ${namesOfKeys(c, model).join(' or ')}`);
  }
  return compileWhere(c, model, alias, where, 'client');
}

/** Keys by their names in the API; what is left out of it is not told. */
function namesOfKeys(c: Compiler, model: Model): string[] {
  const nameOf = c.api.models.get(model.name)?.nameOf;
  return model.uniqueKeys
    .filter(({ fields }) => fields.every((field) => nameOf?.has(field.name)))
    .map(({ name, fields }) => (fields.length === 1 ? nameOf!.get(fields[0]!.name)! : name));
}
