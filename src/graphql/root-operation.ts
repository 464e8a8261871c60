/** One root field of an operation as an operation of its own, with the variables that it uses. */
import {
  type ASTNode,
  type ASTVisitor,
  type DocumentNode,
  type ExecutionArgs,
  type FieldNode,
  Kind,
  type OperationDefinitionNode,
  visit,
  visitInParallel,
} from 'graphql';

/** The arguments that execute these nodes alone, of one response key; `variables` are as they came, with more than it may use. */
export function rootOperation(
  args: ExecutionArgs,
  operation: OperationDefinitionNode,
  nodes: readonly FieldNode[],
  variables: Readonly<Record<string, unknown>>,
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
    variableValues: Object.fromEntries(Object.entries(variables).filter(([name]) => used.has(name))),
  };
}

/** The names of the variables that are used by these nodes and all below them. */
export function variablesIn(document: DocumentNode, nodes: readonly ASTNode[]): ReadonlySet<string> {
  const used = new Set<string>();
  visitReachable(document, nodes, { Variable: ({ name }) => void used.add(name.value) });
  return used;
}

/** Visits nodes, and once each fragment that is spread below them. */
export function visitReachable({ definitions }: DocumentNode, nodes: readonly ASTNode[], visitor: ASTVisitor): void {
  const seen = new Set<string>();
  const look = (node: ASTNode): void => {
    const spreads: ASTVisitor = {
      FragmentSpread({ name: { value } }) {
        if (seen.has(value)) return;
        seen.add(value);
        const fragment = definitions.find((d) => d.kind === Kind.FRAGMENT_DEFINITION && d.name.value === value);
        if (fragment) look(fragment);
      },
    };
    visit(node, visitInParallel([visitor, spreads]));
  };
  nodes.forEach(look);
}
