import {
  type ArgumentNode,
  type DirectiveNode,
  type FieldNode,
  type GraphQLArgument,
  type GraphQLInputType,
  isInputObjectType,
  isListType,
  isNonNullType,
  Kind,
  type ValueNode,
  valueFromAST,
} from 'graphql';
import { constant, listOf, objectOf, partOf, type Value, valueAt } from './value.ts';

/**
 * The arguments of a field as values with their places: literals are constants, variables stay variables.
 * The document is validated and the variables are coerced before this.
 */
export function fieldArguments(
  node: FieldNode | DirectiveNode,
  defined: readonly GraphQLArgument[],
  variables: Readonly<Record<string, unknown>>,
): Value {
  const parts = new Map<string, Value>();
  for (const argument of defined) {
    const given = node.arguments?.find((a: ArgumentNode) => a.name.value === argument.name);
    const value = given && argumentValue(given.value, argument.type, variables, argument.name);
    if (value && value.now !== undefined) parts.set(argument.name, value);
    else if (argument.defaultValue !== undefined)
      parts.set(argument.name, constant(argument.defaultValue, argument.name));
  }
  return objectOf(parts, '');
}

function argumentValue(
  node: ValueNode,
  type: GraphQLInputType,
  variables: Readonly<Record<string, unknown>>,
  path: string,
): Value {
  if (node.kind === Kind.VARIABLE) {
    const name = node.name.value;
    return valueAt(partOf(variables, name), (input) => partOf(input.variables, name), path);
  }
  if (isNonNullType(type)) return argumentValue(node, type.ofType, variables, path);
  if (isListType(type) && node.kind !== Kind.NULL) {
    const nodes = node.kind === Kind.LIST ? node.values : [node];
    return listOf(
      nodes.map((item, i) => argumentValue(item, type.ofType, variables, `${path}.${i}`)),
      path,
    );
  }
  if (isInputObjectType(type) && node.kind === Kind.OBJECT) {
    const fields = type.getFields();
    const parts = node.fields.map((part): [string, Value] => {
      const name = part.name.value;
      return [name, argumentValue(part.value, fields[name]!.type, variables, `${path}.${name}`)];
    });
    return objectOf(new Map(parts), path);
  }
  if (!holdsVariable(node)) return constant(valueFromAST(node, type, variables), path);
  // @NOTE only JSON is written out with variables inside: it has to be read anew from each request's.
  return valueAt(valueFromAST(node, type, variables), (input) => valueFromAST(node, type, input.variables), path);
}

function holdsVariable(node: ValueNode): boolean {
  if (node.kind === Kind.LIST) return node.values.some(holdsVariable);
  if (node.kind === Kind.OBJECT) return node.fields.some((field) => holdsVariable(field.value));
  return node.kind === Kind.VARIABLE;
}
