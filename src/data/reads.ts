/**
 * Reads of the data API: from a parsed operation to PostgreSQL's answer. A plan is compiled once for each document, shape of
 * variables and shape of rules, kept in a bounded cache, and run with the values of each request.
 */
import { randomBytes } from 'node:crypto';
import type {
  FragmentDefinitionNode,
  GraphQLObjectType,
  GraphQLResolveInfo,
  GraphQLSchema,
  OperationDefinitionNode,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import type { Queryable } from '../platform/db.ts';
import type { AnswerRoom } from './answer-room.ts';
import type { Api } from './api/api-model.ts';
import type { Datamodel } from './model/datamodel.ts';
import type { PageLimits } from './planner/compiler.ts';
import { compileRead, type DataRead, type Plan, type PlannedField } from './planner/plan.ts';
import { variablesShaper } from './planner/shape.ts';
import type { PlanInput } from './planner/value.ts';
import type { RuleSlot, Verdicts } from './rules/verdicts.ts';

/** An operation as the executor knows it, as far as a read depends on it. */
export interface Operation {
  schema: GraphQLSchema;
  operation: OperationDefinitionNode;
  fragments: Readonly<Record<string, FragmentDefinitionNode>>;
  variables: Readonly<Record<string, unknown>>;
}

/** Where a plan is run, on whose behalf, and how much they may still be answered. */
export interface Asker {
  readonly db: Queryable;
  readonly verdicts: Verdicts;
  readonly room: AnswerRoom;
}

/** Plans and runs reads; shared by all requests. */
export interface Reads {
  readonly api: Api;
  readonly datamodel: Datamodel;
  readonly limits: PageLimits;
  /** The plan for these root fields of an operation, from the cache or made now. @throws MillraceError INVALID_INPUT */
  plan(
    operation: Operation,
    rootType: GraphQLObjectType,
    fields: readonly PlannedField[],
    verdicts: Verdicts,
  ): NamedPlan;
  /**
   * Runs a plan; resolves to the JSON text of an object with an answer under each root field's response key.
   * @throws MillraceError TOO_LARGE
   */
  run(asker: Asker, plan: NamedPlan, variables: PlanInput['variables']): Promise<string>;
  /** Plans now held. */
  readonly size: number;
}

/** A plan with the name its statement is prepared under; without one where it is not kept. */
export interface NamedPlan extends Plan {
  name?: string;
}

/** Plans of one operation and one shape of variables, by the shapes of the rules they depend on. */
interface Shelf {
  slots: readonly RuleSlot[];
  plans: Map<string, NamedPlan>;
}

const maxPlansOfShelf = 50;

/**
 * Characters of a document, or of the shape of its variables, of which anything is kept for the next time. Those of an
 * application are far from it; longer ones carry values that never come again, and a thousand of them the whole memory.
 */
export const maxKeptLength = 20_000;

/** Makes the planner's front: `size` bounds the operations whose plans are kept. */
export function createReads(given: { api: Api; datamodel: Datamodel; limits: PageLimits; size: number }): Reads {
  const shelves = new LRUCache<string, Shelf>({ max: given.size });
  const operations = new WeakMap<
    OperationDefinitionNode,
    { id: number; shape: (variables: Operation['variables']) => string }
  >();
  // @NOTE connections outlive an application that is replaced, and know its statements by their names.
  const prefix = randomBytes(4).toString('hex');
  let operationCount = 0;
  let planCount = 0;

  const identify = ({ schema, operation }: Operation) => {
    let known = operations.get(operation);
    if (!known) {
      operationCount += 1;
      known = { id: operationCount, shape: variablesShaper(schema, operation) };
      operations.set(operation, known);
    }
    return known;
  };
  const shapeOf = (slots: readonly RuleSlot[], verdicts: Verdicts) => {
    let shape = '';
    for (const slot of slots) shape += `${verdicts.shapeOf(slot)}|`;
    return shape;
  };

  return {
    api: given.api,
    datamodel: given.datamodel,
    limits: given.limits,
    get size() {
      return shelves.size;
    },
    plan(at, rootType, fields, verdicts) {
      const known = identify(at);
      const key = `${known.id}/${fields.map((f) => f.key).join(',')}/${known.shape(at.variables)}`;
      const shelf = shelves.get(key);
      const plan = shelf?.plans.get(shapeOf(shelf.slots, verdicts));
      if (plan) return plan;
      const made = compileRead({ ...given, verdicts, variables: at.variables }, at, rootType.name, fields);
      const documentLength = at.operation.loc?.source.body.length ?? 0;
      if (Math.max(documentLength, key.length) > maxKeptLength) return made;
      planCount += 1;
      const named = { ...made, name: `m${prefix}_${planCount}` };
      const room =
        shelf && shelf.plans.size < maxPlansOfShelf && sameSlots(shelf.slots, made.slots) ? shelf : undefined;
      if (room) room.plans.set(shapeOf(made.slots, verdicts), named);
      else shelves.set(key, { slots: made.slots, plans: new Map([[shapeOf(made.slots, verdicts), named]]) });
      return named;
    },
    async run({ db, verdicts, room }, plan, variables) {
      const rules: Record<string, unknown> = {};
      for (const slot of plan.slots) rules[slot] = verdicts.of(slot);
      const rows = await db.query({
        ...(plan.name ? { name: plan.name } : {}),
        text: plan.sql,
        values: plan.values({ variables, rules }),
      });
      return room.take(rows[0]![0] as string | null);
    },
  };
}

const sameSlots = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((slot, i) => slot === b[i]);

/** What a root field of the data API reads, as noted in its extensions when the schema was made. */
export const readOf = (extensions: Readonly<Record<string, unknown>>): DataRead | undefined =>
  extensions.read as DataRead | undefined;

/** The operation that a resolver runs in. */
export const operationOf = (info: GraphQLResolveInfo): Operation => ({
  schema: info.schema,
  operation: info.operation,
  fragments: info.fragments,
  variables: info.variableValues,
});
