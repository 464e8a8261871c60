/**
 * The short way of a read. Where every root field of a query is one of the data API, and none of the user's own resolvers
 * lies below, PostgreSQL's answer IS the response: its text goes out without being parsed. The guards at the root are the same
 * that the executor would meet. Any fault on the short way is answered by the ordinary one.
 */
import {
  type DocumentNode,
  type FieldNode,
  type GraphQLObjectType,
  type GraphQLSchema,
  getVariableValues,
  Kind,
  type OperationDefinitionNode,
} from 'graphql';
import type { Context } from '../context.ts';
import type { PlannedField } from '../data/planner/plan.ts';
import { collectFields } from '../data/planner/selection.ts';
import { type Operation, readOf } from '../data/reads.ts';
import { type ErrorCode, MillraceError } from '../errors.ts';
import { guardOf } from './guard.ts';
import { fillOwnFields, findOwnFields } from './own-fields.ts';
import { mayBeQuick, quickData } from './quick-write.ts';

/** A validated document. */
export interface Validated {
  schema: GraphQLSchema;
  document: DocumentNode;
}

/** What is known of an operation whatever its variables. */
export interface KnownOperation {
  operation: OperationDefinitionNode;
  fragments: Operation['fragments'];
  /** False when no variables could make it a planned read, or a quick write. */
  isCandidate: boolean;
}

/** Finds an operation of a document by its name; undefined when it is not there, or not the only one and not named. */
export type FindOperation = (validated: Validated, name: string | null | undefined) => KnownOperation | undefined;

/** Makes the finder, which keeps what it has found for as long as the document lives. */
export function createFindOperation(): FindOperation {
  const found = new WeakMap<DocumentNode, Map<string, KnownOperation>>();
  return ({ schema, document }, name) => {
    const byName = found.get(document) ?? new Map<string, KnownOperation>();
    found.set(document, byName);
    const key = name ?? '';
    const known = byName.get(key);
    if (known) return known;
    const operations = document.definitions.filter((d) => d.kind === Kind.OPERATION_DEFINITION);
    const operation = name ? operations.find((o) => o.name?.value === name) : operations[0];
    if (!operation || (!name && operations.length > 1)) return undefined;
    const fragments = fragmentsIn(document);
    const made = { operation, fragments, isCandidate: mayBeAnswered(schema, operation, fragments) };
    byName.set(key, made);
    return made;
  };
}

function mayBeAnswered(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  fragments: Operation['fragments'],
): boolean {
  const [query, mutation] = [schema.getQueryType(), schema.getMutationType()];
  if (operation.operation === 'query') return !!query && mayBePlanned(operation, query);
  return operation.operation === 'mutation' && !!mutation && mayBeQuick(operation, fragments, mutation);
}

/** A document's fragments by their names. */
export const fragmentsIn = ({ definitions }: DocumentNode): Operation['fragments'] =>
  Object.fromEntries(definitions.flatMap((d) => (d.kind === Kind.FRAGMENT_DEFINITION ? [[d.name.value, d]] : [])));

/** A first look without variables: no root field that is written out is another module's, or introspection. */
const mayBePlanned = (operation: OperationDefinitionNode, query: GraphQLObjectType): boolean =>
  operation.selectionSet.selections.every(
    (s) => s.kind !== Kind.FIELD || s.name.value === '__typename' || isRead(query, s),
  );

const isRead = (query: GraphQLObjectType, node: FieldNode): boolean => {
  const field = query.getFields()[node.name.value];
  return field !== undefined && readOf(field.extensions) !== undefined;
};

/** What is only known when all the work was done. */
const costly: ReadonlySet<ErrorCode> = new Set(['UNAVAILABLE', 'TOO_LARGE']);

/**
 * The text of a planned answer's data; undefined when the executor has to answer, which knows how to say which field failed.
 * @throws MillraceError UNAVAILABLE, TOO_LARGE: what would cost as much again; of a write: what may have been done
 */
export async function plannedData(
  schema: GraphQLSchema,
  { operation, fragments }: KnownOperation,
  variables: Readonly<Record<string, unknown>> | null | undefined,
  context: Context,
): Promise<string | undefined> {
  // @NOTE the first error is enough: a variable can have as many as it has keys, and each looks for a name that is like it.
  const coerced = getVariableValues(schema, operation.variableDefinitions ?? [], variables ?? {}, { maxErrors: 1 });
  if (coerced.errors) return undefined;
  const at: Operation = { schema, operation, fragments, variables: coerced.coerced };
  if (operation.operation === 'mutation') return quickData(at, schema.getMutationType()!, context);
  const query = schema.getQueryType()!;
  try {
    const fields = rootFields(at, query);
    if (!fields) return undefined;
    if (!fields.every(({ definition }) => !definition || guardOf(definition.extensions)(context))) return undefined;
    const plan = context.reads.plan(at, query, fields, context.verdicts);
    if (!plan.hasCustomFields) return await context.reads.run(context, plan, at.variables);
    const own = plan.needsExecutor ? undefined : findOwnFields(at, fields);
    if (!own) return undefined;
    return await fillOwnFields(own, await context.reads.run(context, plan, at.variables), at, context);
  } catch (error) {
    if (error instanceof MillraceError && costly.has(error.code)) throw error;
    return undefined;
  }
}

/** The root fields of a query, where all of them are reads of the data API; undefined where one is not. */
export function rootFields(at: Operation, query: GraphQLObjectType): PlannedField[] | undefined {
  const fields: PlannedField[] = [];
  for (const [key, nodes] of collectFields(at, query, [at.operation.selectionSet])) {
    const definition = query.getFields()[nodes[0]!.name.value];
    const read = definition && readOf(definition.extensions);
    if (!read && nodes[0]!.name.value !== '__typename') return undefined;
    fields.push({ key, nodes, definition, read });
  }
  return fields.length > 0 ? fields : undefined;
}
