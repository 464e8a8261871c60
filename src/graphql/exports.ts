/**
 * `@export`: a value of one field of a mutation is a variable of those behind it. What may be exported where is checked with
 * the document (`export-rule.ts`); here the values are taken out of the answers, as the client will see them.
 */
import {
  DirectiveLocation,
  type DirectiveNode,
  type FieldNode,
  GraphQLDirective,
  type GraphQLNamedType,
  GraphQLNonNull,
  type GraphQLSchema,
  GraphQLString,
  getNamedType,
  getVariableValues,
  isAbstractType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type TypeNode,
  type VariableDefinitionNode,
} from 'graphql';
import type { Operation } from '../data/reads.ts';
import { invalidInput } from '../errors.ts';

/** Makes a field's value a variable. */
export const exportDirective = new GraphQLDirective({
  name: 'export',
  description:
    'In a mutation: the value of this field is the variable `as` from the next root field on. A variable that is a list takes all values, in their order.',
  locations: [DirectiveLocation.FIELD],
  args: {
    as: {
      type: new GraphQLNonNull(GraphQLString),
      description: 'The variable, which the operation declares with a default, or as one that may be null.',
    },
  },
});

/** A field that is exported, wherever in an operation. */
export interface Export {
  /** Undefined where the document does not say it outright. */
  variable: string | undefined;
  /** Response keys, from the root field on. */
  path: readonly string[];
  node: FieldNode;
  isLeaf: boolean;
  /** Its own value is a list; a document of JSON is one value, whatever it is. */
  isList: boolean;
  /** Below a list, or one itself: it may be any number of values. */
  isMany: boolean;
  /** Below an interface or a union, where only the answer knows which field it is. */
  isUncertain: boolean;
}

type FoundExports = ReadonlyMap<string, { nodes: FieldNode[]; exports: Export[] }>;

/** The root fields of an operation by their response keys, with what is exported of each, whatever its conditions. */
export function findExports(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  fragments: Operation['fragments'],
): FoundExports {
  const roots = new Map<string, { nodes: FieldNode[]; exports: Export[] }>();
  type Place = Pick<Export, 'path' | 'isMany' | 'isUncertain'>;
  const walk = (set: SelectionSetNode, type: GraphQLNamedType, place: Place, inside: readonly string[]): void => {
    const at = { ...place, isUncertain: place.isUncertain || isAbstractType(type) };
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) take(selection, type, at, inside);
      else if (selection.kind === Kind.INLINE_FRAGMENT) {
        const condition = selection.typeCondition?.name.value;
        walk(selection.selectionSet, (condition && schema.getType(condition)) || type, at, inside);
      } else {
        const name = selection.name.value;
        const fragment = inside.includes(name) ? undefined : fragments[name];
        const condition = fragment && schema.getType(fragment.typeCondition.name.value);
        if (fragment && condition) walk(fragment.selectionSet, condition, at, [...inside, name]);
      }
    }
  };
  const take = (node: FieldNode, parent: GraphQLNamedType, place: Place, inside: readonly string[]): void => {
    const path = [...place.path, (node.alias ?? node.name).value];
    const root = roots.get(path[0]!) ?? { nodes: [], exports: [] };
    roots.set(path[0]!, root);
    if (path.length === 1) root.nodes.push(node);
    const type =
      node.name.value === '__typename'
        ? GraphQLString
        : isObjectType(parent) || isInterfaceType(parent)
          ? parent.getFields()[node.name.value]?.type
          : undefined;
    if (!type) return;
    const bare = isNonNullType(type) ? type.ofType : type;
    const at = { ...place, path, isMany: place.isMany || isListType(bare) };
    const named = getNamedType(type);
    const directive = exportOf(node);
    if (directive)
      root.exports.push({
        ...at,
        variable: variableOf(directive),
        node,
        isLeaf: isLeafType(named),
        isList: isListType(bare),
      });
    if (node.selectionSet) walk(node.selectionSet, named, at, inside);
  };
  const root = schema.getRootType(operation.operation);
  if (root) walk(operation.selectionSet, root, { path: [], isMany: false, isUncertain: false }, []);
  return roots;
}

const exportOf = ({ directives }: FieldNode): DirectiveNode | undefined =>
  directives?.find(({ name }) => name.value === exportDirective.name);

function variableOf({ arguments: args }: DirectiveNode): string | undefined {
  const value = args?.find(({ name }) => name.value === 'as')?.value;
  return value?.kind === Kind.STRING ? value.value : undefined;
}

/** Whether a variable takes all values of what is exported to it. */
const isListVariable = ({ type }: VariableDefinitionNode): boolean => nullable(type).kind === Kind.LIST_TYPE;

/** A type without its exclamation mark. */
export const nullable = (type: TypeNode): Exclude<TypeNode, { kind: Kind.NON_NULL_TYPE }> =>
  type.kind === Kind.NON_NULL_TYPE ? type.type : type;

/** What the fields of one running operation have exported until now. */
export interface ExportedValues {
  /** The variables that are exported by some field. */
  readonly names: ReadonlySet<string>;
  /** Their values. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Takes what a root field's answer exports. @throws MillraceError INVALID_INPUT for what is none of the variable's type */
  take(key: string, answer: unknown): void;
}

/** Makes what begins an operation with nothing exported yet; what an operation exports is found once. */
export function createExporting(): (
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  fragments: Operation['fragments'],
) => ExportedValues {
  const bySchema = new WeakMap<GraphQLSchema, WeakMap<OperationDefinitionNode, FoundExports>>();
  return (schema, operation, fragments) => {
    const known = bySchema.get(schema) ?? new WeakMap<OperationDefinitionNode, FoundExports>();
    bySchema.set(schema, known);
    const exports = known.get(operation) ?? findExports(schema, operation, fragments);
    known.set(operation, exports);
    return exportedValues(schema, operation, exports);
  };
}

function exportedValues(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  exports: FoundExports,
): ExportedValues {
  const definitions = new Map(operation.variableDefinitions?.map((d) => [d.variable.name.value, d]));
  const values: Record<string, unknown> = {};
  const names = new Set([...exports.values()].flatMap((root) => root.exports.map(({ variable }) => variable!)));
  return {
    names,
    values,
    take(key, answer) {
      const paths = new Map(exports.get(key)?.exports.map((e) => [`${e.variable} ${e.path.join('.')}`, e]));
      for (const { variable, path, isList } of paths.values()) {
        const name = variable!;
        const definition = definitions.get(name)!;
        const found = valuesAt(answer, path.slice(1), isList);
        if (!found) continue;
        values[name] = isListVariable(definition) ? [...((values[name] as unknown[]) ?? []), ...found] : found[0];
        const { errors } = getVariableValues(schema, [definition], values, { maxErrors: 1 });
        if (errors) throw invalidInput(name, `what ${path.join('.')} exports does not fit: ${errors[0]!.message}`);
      }
    },
  };
}

/** The values at the end of a path, in their order; undefined where the answer does not lead there. */
function valuesAt(answer: unknown, path: readonly string[], isList: boolean): unknown[] | undefined {
  const [key, ...rest] = path;
  if (key === undefined) return isList ? ((answer as unknown[] | null) ?? []) : [answer];
  if (Array.isArray(answer)) return answer.flatMap((item) => valuesAt(item, path, isList) ?? []);
  if (typeof answer !== 'object' || answer === null || !Object.hasOwn(answer, key)) return undefined;
  return valuesAt((answer as Record<string, unknown>)[key], rest, isList);
}
