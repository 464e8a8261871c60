/**
 * What an operation costs, reckoned of its document and its variables alone, before anything is read: the rows it could be
 * answered with at most, each as 1, and what weighs more by itself. Nothing of the data goes into it, so it tells nothing of
 * the data. A document is compiled once; each request then costs a few multiplications.
 */
import {
  type FieldNode,
  type GraphQLField,
  type GraphQLInputObjectType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isCompositeType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isObjectType,
  Kind,
  type NamedTypeNode,
  type OperationDefinitionNode,
  SchemaMetaFieldDef,
  type SelectionSetNode,
  TypeMetaFieldDef,
  typeFromAST,
  type ValueNode,
} from 'graphql';
import type { Operation } from '../data/reads.ts';
import { invalidInput } from '../errors.ts';

/** The variables of a request, as they came. */
export type RawVariables = Readonly<Record<string, unknown>> | null | undefined;

/** What an operation costs with these variables. @throws MillraceError INVALID_INPUT for more input than any has */
export type Reckon = (variables: RawVariables) => number;

/** The sizes of pages that are not said, and at most. */
interface PageSizes {
  pageSize: number;
  maxPageSize: number;
}

/** A number that is known, or depends on the variables. */
type Term = number | Reckon;

/** `@skip` or `@include` of a variable: selected when the variable is this, or not said to be anything. */
interface Condition {
  value: (variables: RawVariables) => unknown;
  selectsWhen: boolean;
}

/** A field of a selection, and what it depends on whether it is there. */
interface Selected {
  node: FieldNode;
  type: GraphQLNamedType;
  conditions: readonly Condition[];
}

interface SelectedSet {
  set: SelectionSetNode | undefined;
  type: GraphQLNamedType;
  conditions: readonly Condition[];
}

interface Compiler {
  schema: GraphQLSchema;
  fragments: Operation['fragments'];
  pages: PageSizes;
  defaults: ReadonlyMap<string, unknown>;
}

/** Fields of input objects, and items of lists of them, in one variable; several times what a filter may have. */
const maxInputs = 2500;

/** What a mutation's field costs by itself, whatever it answers with. */
const writeWeight = 10;

/** Items of a list in what the schema tells of itself: of types, and of what a type has. */
const introspected: Readonly<Record<string, number>> = { types: 200 };
const introspectedItems = 10;
/** What one of them weighs, beside a row: the usual question of development tools is answered within the usual limit. */
const introspectedWeight = 0.4;

/**
 * Compiles a validated operation. Fields that have an `extensions.cost` weigh that; others 1 where they are answered with an
 * object or have a resolver of the application's own, else nothing.
 */
export function compileCost(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  fragments: Operation['fragments'],
  pages: PageSizes,
): Reckon {
  const root = schema.getRootType(operation.operation);
  if (!root) return () => 0;
  const defaults = new Map<string, unknown>();
  for (const { variable, defaultValue } of operation.variableDefinitions ?? [])
    if (defaultValue) defaults.set(variable.name.value, literalOf(defaultValue));
  const c: Compiler = { schema, fragments, pages, defaults };
  const cost = costOfSets(c, [{ set: operation.selectionSet, type: root, conditions: [] }], undefined);
  const inputs = inputsOf(schema, operation);
  return (variables) => {
    for (const [name, type] of inputs) boundInput(type, variables?.[name], name);
    return Math.ceil(valueOfTerm(cost, variables));
  };
}

/** The variables that hold input objects. */
function inputsOf(schema: GraphQLSchema, operation: OperationDefinitionNode): [string, GraphQLInputObjectType][] {
  return (operation.variableDefinitions ?? []).flatMap(({ variable, type }) => {
    const named = getNamedType(typeFromAST(schema, type as NamedTypeNode));
    return isInputObjectType(named) ? [[variable.name.value, named] as [string, GraphQLInputObjectType]] : [];
  });
}

/**
 * Refuses input objects that hold more than any operation may use, before they are looked at one by one: each of them, and
 * each key that is none, takes its time.
 */
function boundInput(root: GraphQLInputObjectType, given: unknown, path: string): void {
  let left = maxInputs;
  const visit = (type: GraphQLInputObjectType, value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if (Array.isArray(value)) {
      left -= value.length;
      if (left >= 0) for (const item of value) visit(type, item);
    } else {
      const fields = type.getFields();
      for (const key in value) {
        left -= 1;
        if (left < 0) break;
        const isKnown = Object.hasOwn(fields, key);
        // Each takes a look through all names for one that is like it.
        if (!isKnown) left -= maxInputs / 10;
        const below = isKnown ? getNamedType(fields[key]!.type) : undefined;
        if (isInputObjectType(below)) visit(below, (value as Record<string, unknown>)[key]);
      }
    }
    if (left < 0) throw invalidInput(path, `holds more than ${maxInputs} fields and filter terms`);
  };
  visit(root, given);
}

/** @param page how many rows the list has that these fields belong to, where they are fields of a list's page */
function costOfSets(c: Compiler, sets: readonly SelectedSet[], page: Term | undefined): Term {
  const fields = new Map<string, Selected[]>();
  for (const { set, type, conditions } of sets) collect(c, set, type, conditions, fields);
  return sum([...fields.values()].map((same) => costOfField(c, same, page)));
}

/** Fields by response key, so that what is merged in the answer is counted once. */
function collect(
  c: Compiler,
  set: SelectionSetNode | undefined,
  type: GraphQLNamedType,
  outer: readonly Condition[],
  into: Map<string, Selected[]>,
): void {
  for (const selection of set?.selections ?? []) {
    const conditions = conditionsOf(c, selection.directives, outer);
    if (!conditions) continue;
    if (selection.kind === Kind.FIELD) {
      const key = (selection.alias ?? selection.name).value;
      const selected = { node: selection, type, conditions };
      const known = into.get(key);
      if (known) known.push(selected);
      else into.set(key, [selected]);
      continue;
    }
    const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : c.fragments[selection.name.value];
    const narrowed = fragment?.typeCondition && c.schema.getType(fragment.typeCondition.name.value);
    collect(c, fragment?.selectionSet, narrowed ?? type, conditions, into);
  }
}

function costOfField(c: Compiler, same: readonly Selected[], page: Term | undefined): Term {
  const [{ node, type }] = same as [Selected];
  const field = fieldOf(type, node.name.value);
  if (!field) return 0;
  const named = getNamedType(field.type);
  const isObject = isCompositeType(named);
  const isList = isListType(getNullableType(field.type));
  const sets = same.map((one) => ({ set: one.node.selectionSet, type: named, conditions: one.conditions }));
  const ownPage = sizeOf(c, field, node);
  const below = isObject ? costOfSets(c, sets, isList ? undefined : ownPage) : 0;
  const unit = named.name.startsWith('__') ? introspectedWeight : 1;
  const own = unit * weightOf(c, field, type, isObject);
  const cost =
    isList && isObject
      ? add(own, multiply(ownPage ?? page ?? listSize(c, field, named), add(unit, below)))
      : add(own, below);
  return same.some(({ conditions }) => conditions.length === 0)
    ? cost
    : onlyIf(
        same.map(({ conditions }) => conditions),
        cost,
      );
}

function fieldOf(type: GraphQLNamedType, name: string): GraphQLField<unknown, unknown> | undefined {
  if (name === '__schema') return SchemaMetaFieldDef;
  if (name === '__type') return TypeMetaFieldDef;
  return isObjectType(type) || isInterfaceType(type) ? type.getFields()[name] : undefined;
}

function weightOf(
  c: Compiler,
  { extensions, type: answer }: GraphQLField<unknown, unknown>,
  parent: GraphQLNamedType,
  isObject: boolean,
): number {
  if (typeof extensions.cost === 'number') return extensions.cost;
  if (parent === (c.schema.getMutationType() as GraphQLObjectType | undefined)) return writeWeight;
  const isOfOnesOwn = extensions.access !== undefined || extensions.needs !== undefined;
  // The rows of a list are counted one by one.
  if (isListType(getNullableType(answer)) && isObject) return 0;
  return isObject || isOfOnesOwn ? 1 : 0;
}

/** How many rows a field's arguments ask for; undefined for one that has no such arguments. */
function sizeOf(c: Compiler, field: GraphQLField<unknown, unknown>, node: FieldNode): Term | undefined {
  const names = ['first', 'last'].filter((name) => field.args.some((argument) => argument.name === name));
  if (names.length === 0) return undefined;
  const values = names.flatMap((name) => {
    const given = node.arguments?.find((argument) => argument.name.value === name);
    return given ? [readerOf(c, given.value)] : [];
  });
  const read = (variables: RawVariables): number => {
    for (const value of values) {
      const size = value(variables);
      if (typeof size === 'number') return Math.min(Math.max(size, 0), c.pages.maxPageSize);
    }
    return c.pages.pageSize;
  };
  const isKnown = node.arguments?.every(
    ({ name, value }) => !names.includes(name.value) || value.kind !== Kind.VARIABLE,
  );
  return isKnown === false ? read : read(undefined);
}

/** Items of a list that nobody says the size of. */
function listSize(c: Compiler, field: GraphQLField<unknown, unknown>, named: GraphQLNamedType): number {
  return named.name.startsWith('__') ? (introspected[field.name] ?? introspectedItems) : c.pages.pageSize;
}

/** The conditions of a selection with those around it; undefined when it is never selected. */
function conditionsOf(
  c: Compiler,
  directives: FieldNode['directives'],
  outer: readonly Condition[],
): readonly Condition[] | undefined {
  let conditions = outer;
  for (const { name, arguments: given } of directives ?? []) {
    if (name.value !== 'skip' && name.value !== 'include') continue;
    const selectsWhen = name.value === 'include';
    const node = given?.[0]?.value;
    if (node?.kind === Kind.BOOLEAN && node.value !== selectsWhen) return undefined;
    if (node?.kind === Kind.VARIABLE) conditions = [...conditions, { value: readerOf(c, node), selectsWhen }];
  }
  return conditions;
}

function onlyIf(alternatives: readonly (readonly Condition[])[], cost: Term): Term {
  if (cost === 0) return 0;
  return (variables) => {
    const isSelected = alternatives.some((conditions) =>
      conditions.every(({ value, selectsWhen }) => value(variables) !== !selectsWhen),
    );
    return isSelected ? valueOfTerm(cost, variables) : 0;
  };
}

function readerOf(c: Compiler, node: ValueNode): (variables: RawVariables) => unknown {
  if (node.kind !== Kind.VARIABLE) {
    const value = literalOf(node);
    return () => value;
  }
  const name = node.name.value;
  const preset = c.defaults.get(name);
  return (variables) => {
    const value = variables?.[name];
    return value === undefined ? preset : value;
  };
}

function literalOf(node: ValueNode): unknown {
  if (node.kind === Kind.INT) return Number(node.value);
  return node.kind === Kind.BOOLEAN ? node.value : undefined;
}

const valueOfTerm = (term: Term, variables: RawVariables): number =>
  typeof term === 'number' ? term : term(variables);

function sum(terms: readonly Term[]): Term {
  let known = 0;
  const open: Reckon[] = [];
  for (const term of terms) {
    if (typeof term === 'number') known += term;
    else open.push(term);
  }
  if (open.length === 0) return known;
  return (variables) => {
    let total = known;
    for (const term of open) total += term(variables);
    return total;
  };
}

const add = (a: Term, b: Term): Term => sum([a, b]);

function multiply(a: Term, b: Term): Term {
  if (typeof a === 'number' && typeof b === 'number') return a * b;
  return (variables) => valueOfTerm(a, variables) * valueOfTerm(b, variables);
}
