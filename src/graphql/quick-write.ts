/**
 * The quick way of a write. A mutation of one root field, which makes, changes or deletes one row, may be done by one statement
 * that commits by itself, and its answer's text goes out without being parsed. It stands before any transaction of the
 * operation's own. Whatever it does not do is done by the executor, as if nothing had been tried: nothing was written.
 */
import {
  BREAK,
  type DirectiveNode,
  type FieldNode,
  type GraphQLObjectType,
  Kind,
  type OperationDefinitionNode,
  visit,
} from 'graphql';
import type { Context } from '../context.ts';
import type { Operation } from '../data/reads.ts';
import type { RowChange } from '../data/writes/one-statement.ts';
import { guardOf } from './guard.ts';

/** A first look without variables: one root field, which writes one row, and no directive that asks for more than a selection. */
export function mayBeQuick(
  operation: OperationDefinitionNode,
  fragments: Operation['fragments'],
  mutation: GraphQLObjectType,
): boolean {
  const root = rootOf(operation);
  if (!root || root.directives?.length || operation.directives?.length || !changeOf(mutation, root)) return false;
  let isPlain = true;
  const leave = ({ name }: DirectiveNode) => {
    if (name.value === 'skip' || name.value === 'include') return undefined;
    isPlain = false;
    return BREAK;
  };
  for (const node of [operation, ...Object.values(fragments)]) visit(node, { Directive: leave });
  return isPlain;
}

/**
 * The JSON text of the data of such a mutation; undefined where the executor has to do it.
 * @throws MillraceError where it is not known whether anything was written
 */
export async function quickData(
  at: Operation,
  mutation: GraphQLObjectType,
  context: Context,
): Promise<string | undefined> {
  const node = rootOf(at.operation)!;
  const change = changeOf(mutation, node)!;
  const definition = mutation.getFields()[node.name.value]!;
  if (!guardOf(definition.extensions)(context)) return undefined;
  const field = { key: (node.alias ?? node.name).value, nodes: [node], definition, read: undefined };
  return context.quickWrites.write(context, at, change, field);
}

function rootOf({ selectionSet }: OperationDefinitionNode): FieldNode | undefined {
  const [root, ...others] = selectionSet.selections;
  return root?.kind === Kind.FIELD && others.length === 0 ? root : undefined;
}

/** What a root field changes, as noted in its extensions when the schema was made; undefined where it is more than one row, or none. */
const changeOf = (mutation: GraphQLObjectType, node: FieldNode): RowChange | undefined =>
  mutation.getFields()[node.name.value]?.extensions.change as RowChange | undefined;
