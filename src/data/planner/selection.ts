import {
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLIncludeDirective,
  type GraphQLObjectType,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getDirectiveValues,
  isAbstractType,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { invalidInput } from '../../errors.ts';

/** The document around a selection. */
export interface Surroundings {
  schema: GraphQLSchema;
  fragments: Readonly<Record<string, FragmentDefinitionNode>>;
  variables: Readonly<Record<string, unknown>>;
}

/** PostgreSQL cuts longer names, and two of them could become one. */
export const maxKeyLength = 63;

/**
 * The fields to answer of an object, by response key, in order: fragments opened, `@include` and `@skip` obeyed, equal keys
 * merged (GraphQL §6.3.2, CollectFields).
 */
export function collectFields(
  at: Surroundings,
  type: GraphQLObjectType,
  sets: readonly (SelectionSetNode | undefined)[],
): Map<string, FieldNode[]> {
  const collected = new Map<string, FieldNode[]>();
  const visited = new Set<string>();
  const visit = (selection: SelectionNode): void => {
    if (!isIncluded(selection, at.variables)) return;
    if (selection.kind === Kind.FIELD) {
      const key = (selection.alias ?? selection.name).value;
      if (key.length > maxKeyLength)
        throw invalidInput('', `the alias ${key} is longer than ${maxKeyLength} characters`);
      const known = collected.get(key);
      if (known) known.push(selection);
      else collected.set(key, [selection]);
      return;
    }
    if (selection.kind === Kind.INLINE_FRAGMENT) {
      if (applies(at.schema, selection.typeCondition?.name.value, type))
        selection.selectionSet.selections.forEach(visit);
      return;
    }
    const name = selection.name.value;
    const fragment = at.fragments[name];
    if (!fragment || visited.has(name) || !applies(at.schema, fragment.typeCondition.name.value, type)) return;
    visited.add(name);
    fragment.selectionSet.selections.forEach(visit);
  };
  for (const set of sets) set?.selections.forEach(visit);
  return collected;
}

/** The merged selection sets below fields of one response key. */
export const setsOf = (nodes: readonly FieldNode[]): (SelectionSetNode | undefined)[] =>
  nodes.map((n) => n.selectionSet);

function isIncluded(selection: SelectionNode, variables: Readonly<Record<string, unknown>>): boolean {
  if (!selection.directives?.length) return true;
  if (getDirectiveValues(GraphQLSkipDirective, selection, variables)?.if === true) return false;
  return getDirectiveValues(GraphQLIncludeDirective, selection, variables)?.if !== false;
}

function applies(schema: GraphQLSchema, condition: string | undefined, type: GraphQLObjectType): boolean {
  if (condition === undefined || condition === type.name) return true;
  const conditionType = schema.getType(condition);
  return isAbstractType(conditionType) && schema.isSubType(conditionType, type);
}
