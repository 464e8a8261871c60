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
import type { Queryable } from '../platform/db.ts';
import type { Api } from './api/api-model.ts';
import type { Datamodel } from './model/datamodel.ts';
import { createPlanCache } from './plan-cache.ts';
import type { PageLimits } from './planner/compiler.ts';
import { compileRead, type DataRead, type Plan, type PlannedField } from './planner/plan.ts';
import type { PlanInput } from './planner/value.ts';
import type { RuleSlot, Verdicts } from './rules/verdicts.ts';

/** An operation as the executor knows it, as far as a read depends on it. */
export interface Operation {
  schema: GraphQLSchema;
  operation: OperationDefinitionNode;
  fragments: Readonly<Record<string, FragmentDefinitionNode>>;
  variables: Readonly<Record<string, unknown>>;
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
  /** Runs a plan; resolves to the JSON text of an object with an answer under each root field's response key. */
  run(db: Queryable, plan: NamedPlan, variables: PlanInput['variables'], verdicts: Verdicts): Promise<string>;
  /** Plans now held. */
  readonly size: number;
}

/** A plan with the name its statement is prepared under. */
export interface NamedPlan extends Plan {
  name: string;
}

/** Makes the planner's front: `size` bounds the operations whose plans are kept. */
export function createReads(given: { api: Api; datamodel: Datamodel; limits: PageLimits; size: number }): Reads {
  const plans = createPlanCache<NamedPlan>(given.size);
  // @NOTE of this application: connections outlive it, and know the statements of the one before by their names.
  const series = randomBytes(6).toString('hex');
  let planCount = 0;
  return {
    api: given.api,
    datamodel: given.datamodel,
    limits: given.limits,
    get size() {
      return plans.size;
    },
    plan(at, rootType, fields, verdicts) {
      return plans.get(at, fields.map((f) => f.key).join(','), verdicts, () => {
        planCount += 1;
        const made = compileRead({ ...given, verdicts, variables: at.variables }, at, rootType.name, fields);
        return { ...made, name: `m${series}_${planCount}` };
      });
    },
    async run(db, plan, variables, verdicts) {
      const rows = await db.query({
        name: plan.name,
        text: plan.sql,
        values: plan.values({ variables, rules: rulesOf(plan, verdicts) }),
      });
      return rows[0]![0] as string;
    },
  };
}

/** What the rules that a plan depends on came to. */
export const rulesOf = ({ slots }: { slots: readonly RuleSlot[] }, verdicts: Verdicts): Record<string, unknown> =>
  Object.fromEntries(slots.map((slot) => [slot, verdicts.of(slot)]));

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
