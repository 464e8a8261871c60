import {
  type ASTNode,
  type FragmentDefinitionNode,
  type GraphQLInputType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  type OperationDefinitionNode,
  typeFromAST,
  visit,
} from 'graphql';
import { cursorShape } from './cursor.ts';
import { isRecord, partOf } from './value.ts';

/** Spells all of a value that a plan's SQL depends on. */
type Shaper = (value: unknown) => string;

/** Makes the function that spells the shape of an operation's variables, to be called on each request. */
export function variablesShaper(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  fragments: Readonly<Record<string, FragmentDefinitionNode>>,
): (variables: Readonly<Record<string, unknown>>) => string {
  const known = new Map<GraphQLInputType, Shaper>();
  const paths = variablesInPaths([operation, ...Object.values(fragments)]);
  const shapers = (operation.variableDefinitions ?? []).map((definition): [string, Shaper] => {
    const type = typeFromAST(schema, definition.type as Parameters<typeof typeFromAST>[1]) as GraphQLInputType;
    const name = definition.variable.name.value;
    return [name, paths.has(name) ? (value) => wholeOf(value) ?? shaperOf(type, known)(value) : shaperOf(type, known)];
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

/**
 * Variables that stand where a path stands, or a part of one.
 * @NOTE by the name alone, whatever it is an argument or a field of: what is no path only has a plan for each of its values.
 */
function variablesInPaths(nodes: readonly ASTNode[]): Set<string> {
  const found = new Set<string>();
  const collect = (node: { name: { value: string } } & ASTNode) => {
    if (node.name.value !== 'path') return;
    visit(node, { Variable: (variable) => void found.add(variable.name.value) });
  };
  for (const node of nodes) visit(node, { Argument: collect, ObjectField: collect });
  return found;
}

/** All of a text or of a list of texts; undefined for anything else. */
const wholeOf = (value: unknown): string | undefined =>
  typeof value === 'string' || (Array.isArray(value) && value.every((item) => typeof item === 'string'))
    ? JSON.stringify(value)
    : undefined;

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
      for (const key of Object.keys(value)) {
        const { type, extensions } = fields[key]!;
        const whole = extensions.isPathOfSql ? wholeOf(value[key]) : undefined;
        shape += `${key}:${whole ?? shaperOf(type, known)(value[key])},`;
      }
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
