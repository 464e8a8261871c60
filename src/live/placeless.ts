import { Kind, type OperationDefinitionNode, visit } from 'graphql';
import type { PlannedField } from '../data/planner/plan.ts';
import type { Operation } from '../data/reads.ts';

/**
 * Makes the function that takes out of an operation the place that a field goes on from: so those who come back share plan, and
 * feed, with those who came. A variable that says something else besides is kept.
 */
export function createPlaceless(): (at: Operation, field: PlannedField) => Operation {
  const counts = new WeakMap<OperationDefinitionNode, Map<string, number>>();

  /** How often a variable is named, its definition included. */
  const timesNamed = ({ operation, fragments }: Operation, variable: string): number => {
    let known = counts.get(operation);
    if (!known) {
      const made = new Map<string, number>();
      known = made;
      counts.set(operation, made);
      for (const definition of [operation, ...Object.values(fragments)]) {
        visit(definition, { Variable: ({ name }) => void made.set(name.value, (made.get(name.value) ?? 0) + 1) });
      }
    }
    return known.get(variable) ?? 0;
  };

  return (at, { nodes }) => {
    const after = nodes[0]!.arguments?.find(({ name }) => name.value === 'after')?.value;
    if (after?.kind !== Kind.VARIABLE || timesNamed(at, after.name.value) !== nodes.length + 1) return at;
    const { [after.name.value]: _, ...variables } = at.variables;
    return { ...at, variables };
  };
}
