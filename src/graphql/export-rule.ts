import {
  type ASTVisitor,
  type DocumentNode,
  GraphQLError,
  Kind,
  type OperationDefinitionNode,
  type ValidationContext,
  type ValidationRule,
} from 'graphql';
import { type Export, exportDirective, findExports, nullable } from './exports.ts';
import { fragmentsIn } from './planned-read.ts';
import { variablesIn, visitReachable } from './root-operation.ts';

/**
 * A validation rule for `@export`: what is exported is a value that exists when it is used, and no other than one may take it
 * for. To be asked behind `limitsRule`, which bounds how much there is to look at.
 */
export const exportRule: ValidationRule = (context: ValidationContext): ASTVisitor => {
  let isUsed = false;
  return {
    Directive({ name }) {
      isUsed ||= name.value === exportDirective.name;
    },
    Document: {
      leave(document) {
        if (!isUsed) return;
        for (const definition of document.definitions)
          if (definition.kind === Kind.OPERATION_DEFINITION) checkOperation(context, document, definition);
      },
    },
  };
};

function checkOperation(context: ValidationContext, document: DocumentNode, operation: OperationDefinitionNode): void {
  const roots = [...findExports(context.getSchema(), operation, fragmentsIn(document)).values()];
  const exports = roots.flatMap((root) => root.exports);
  if (exports.length === 0) return;
  const report = (message: string, ...nodes: GraphQLError['nodes'] & object) =>
    context.reportError(new GraphQLError(message, { nodes }));
  if (operation.operation !== 'mutation') {
    report('@export stands in mutations alone: the fields of a query do not wait for each other', exports[0]!.node);
    return;
  }
  const inConditions = conditionVariables(document, operation);
  const lastOf = new Map<string, number>();
  const known = new Map<string, Export>();
  for (const [turn, root] of roots.entries()) {
    for (const one of root.exports) {
      const problem = problemOf(one, operation, known.get(one.variable ?? ''));
      if (problem) report(problem, one.node);
      if (one.variable === undefined) continue;
      if (inConditions.has(one.variable))
        report(`$${one.variable} is exported, so it cannot decide by a directive what is selected`, one.node);
      known.set(one.variable, one);
      lastOf.set(one.variable, turn);
    }
  }
  for (const [turn, { nodes }] of roots.entries()) {
    const early = [...variablesIn(document, nodes)].filter((name) => (lastOf.get(name) ?? -1) >= turn);
    for (const name of early)
      report(`$${name} is used before all that is exported to it is there: use it in a root field behind`, ...nodes);
  }
}

/** What is wrong with one export by itself. @param other one to the same variable before it */
function problemOf(one: Export, operation: OperationDefinitionNode, other: Export | undefined): string | undefined {
  const { variable } = one;
  if (variable === undefined) return '@export names its variable by a text that is written out';
  if (!one.isLeaf) return `@export takes a value, and ${one.path.join('.')} is an object: export a field of it`;
  if (one.isUncertain) return '@export cannot stand below an interface or a union';
  const definition = operation.variableDefinitions?.find((d) => d.variable.name.value === variable);
  if (!definition) return `@export: the operation has no variable $${variable}`;
  if (definition.type.kind === Kind.NON_NULL_TYPE && !definition.defaultValue)
    return `$${variable} is exported, and nobody can send it: give it a default, or let it be null`;
  const type = nullable(definition.type);
  if (type.kind === Kind.LIST_TYPE)
    return nullable(type.type).kind === Kind.LIST_TYPE ? `$${variable} cannot be a list of lists` : undefined;
  if (one.isMany) return `${one.path.join('.')} may be many values, and $${variable} is one: make it a list`;
  if (other && other.path.join('.') !== one.path.join('.')) return `$${variable} is exported twice: make it a list`;
  return undefined;
}

/** The variables that stand in directives, `@skip` and `@include` among them. */
function conditionVariables(document: DocumentNode, operation: OperationDefinitionNode): ReadonlySet<string> {
  const used = new Set<string>();
  visitReachable(document, [operation], {
    Directive(directive) {
      for (const name of variablesIn(document, [directive])) used.add(name);
    },
  });
  return used;
}
