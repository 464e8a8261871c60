/** One root field of an operation as an operation of its own, with the variables that it uses. */
import {
  type ASTNode,
  type DocumentNode,
  type ExecutionArgs,
  type FieldNode,
  Kind,
  type OperationDefinitionNode,
  visit,
} from 'graphql';

/** The arguments that execute these nodes alone, of one response key; variables are as they came. */
export function rootOperation(
  args: ExecutionArgs,
  operation: OperationDefinitionNode,
  nodes: readonly FieldNode[],
  variables = args.variableValues,
): ExecutionArgs {
  const used = variablesIn(args.document, nodes);
  const variableDefinitions = operation.variableDefinitions?.filter(({ variable }) => used.has(variable.name.value));
  const alone: OperationDefinitionNode = {
    ...operation,
    variableDefinitions,
    selectionSet: { kind: Kind.SELECTION_SET, selections: nodes },
  };
  const fragments = args.document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION);
  return {
    ...args,
    document: { kind: Kind.DOCUMENT, definitions: [alone, ...fragments], loc: args.document.loc },
    variableValues: Object.fromEntries(Object.entries(variables ?? {}).filter(([name]) => used.has(name))),
  };
}

/** The names of the variables that are used by these fields and all below them. */
export function variablesIn({ definitions }: DocumentNode, nodes: readonly FieldNode[]): ReadonlySet<string> {
  const used = new Set<string>();
  const seen = new Set<string>();
  const look = (node: ASTNode): void => {
    visit(node, {
      Variable: ({ name }) => void used.add(name.value),
      FragmentSpread: ({ name: { value } }) => {
        if (seen.has(value)) return;
        seen.add(value);
        const fragment = definitions.find((d) => d.kind === Kind.FRAGMENT_DEFINITION && d.name.value === value);
        if (fragment) look(fragment);
      },
    });
  };
  nodes.forEach(look);
  return used;
}
