import {
  type GraphQLInputType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  type OperationDefinitionNode,
  typeFromAST,
} from 'graphql';
import { cursorShape } from './cursor.ts';
import { isRecord, partOf } from './value.ts';

/** Spells all of a value that a plan's SQL depends on. */
type Shaper = (value: unknown) => string;

/** Makes the function that spells the shape of an operation's variables, to be called on each request. */
export function variablesShaper(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
): (variables: Readonly<Record<string, unknown>>) => string {
  const known = new Map<GraphQLInputType, Shaper>();
  const shapers = (operation.variableDefinitions ?? []).map((definition): [string, Shaper] => {
    const type = typeFromAST(schema, definition.type as Parameters<typeof typeFromAST>[1]) as GraphQLInputType;
    return [definition.variable.name.value, shaperOf(type, known)];
  });
  return (variables) => {
    let shape = '';
    for (const [name, shaper] of shapers) shape += `${shaper(partOf(variables, name))};`;
    return shape;
  };
}

function shaperOf(type: GraphQLInputType, known: Map<GraphQLInputType, Shaper>): Shaper {
  if (isNonNullType(type)) return shaperOf(type.ofType, known);
  let shaper = known.get(type);
  if (!shaper) {
    // @NOTE entered before it is made: input types contain themselves.
    let made: Shaper = () => '';
    known.set(type, (value) => absence(value) ?? made(value));
    made = makeShaper(type, known);
    shaper = known.get(type)!;
  }
  return shaper;
}

const absence = (value: unknown): string | undefined => (value === undefined ? 'u' : value === null ? 'n' : undefined);

function makeShaper(type: GraphQLInputType, known: Map<GraphQLInputType, Shaper>): Shaper {
  if (isListType(type)) {
    const item = shaperOf(type.ofType, known);
    const named = isNonNullType(type.ofType) ? type.ofType.ofType : type.ofType;
    const isSpelt = isInputObjectType(named) || (isEnumType(named) && named.extensions.isWordOfSql);
    if (!isSpelt) return () => 'l';
    return (value) => `[${(Array.isArray(value) ? value : [value]).map(item).join(',')}]`;
  }
  if (isInputObjectType(type)) {
    const fields = type.getFields();
    return (value) => {
      if (!isRecord(value)) return 'v';
      let shape = '{';
      for (const key of Object.keys(value)) shape += `${key}:${shaperOf(fields[key]!.type, known)(value[key])},`;
      return `${shape}}`;
    };
  }
  if (isEnumType(type)) return type.extensions.isWordOfSql ? String : () => 'v';
  switch (type.name) {
    case 'Boolean':
      return (value) => (value ? '1' : '0');
    case 'String':
      // @NOTE any string may be used as a cursor; strings that are none are all of one shape.
      return cursorShape;
    default:
      return () => 'v';
  }
}
