import { type Datamodel, type Model, modelNamed } from '../../data/model/datamodel.ts';
import { isRecord } from '../../data/planner/value.ts';
import { holdsUnknown, unknownValue } from '../../data/rules/verdicts.ts';

/**
 * Whether a rule's `where` matches no row, whatever stands in the database, for it compares with something undefined. Where
 * that cannot be told by its form (below a `NOT`, say) it is taken for one that may match.
 */
export function matchesNothing(datamodel: Datamodel, model: Model, where: unknown): boolean {
  if (where === unknownValue) return true;
  if (!isRecord(where)) return false;
  return Object.entries(where).some(([key, value]) => {
    if (value === unknownValue) return true;
    const isNever = (item: unknown) => matchesNothing(datamodel, model, item);
    if (key === 'AND') return Array.isArray(value) ? value.some(isNever) : isNever(value);
    if (key === 'OR') return Array.isArray(value) ? value.every(isNever) : isNever(value);
    const field = model.fields.get(key);
    if (field?.kind === 'column') return holdsUnknown(value);
    if (!field) return key !== 'NOT' && isNever(value);
    if (!isRecord(value)) return false;
    const target = modelNamed(datamodel, field.target);
    const isRelatedNever = (related: unknown) => matchesNothing(datamodel, target, related);
    if (field.isList) return isRelatedNever(value.some);
    return 'isNot' in value ? false : isRelatedNever('is' in value ? value.is : value);
  });
}
