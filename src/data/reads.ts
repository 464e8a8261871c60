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
import type { AnswerRoom } from './answer-room.ts';
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

/** Where a plan is run, on whose behalf, and how much they may still be answered. */
export interface Asker {
  readonly db: Queryable;
  readonly verdicts: Verdicts;
  readonly room: AnswerRoom;
  /** Makes a cursor of a place in the log, which is written as seq, snapshot and epoch with slashes between. */
  readonly sealPlace: (place: string) => string;
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
  /** Makes an answer of what PostgreSQL has written: places in the log become cursors. */
  finish(text: string, sealPlace: Asker['sealPlace']): string;
  /** Plans now held. */
  readonly size: number;
}

/** A plan with the name its statement is prepared under; without one where it is not kept. */
export interface NamedPlan extends Plan {
  name?: string;
  /** The answer holds places in the log. */
  holdsPlaces: boolean;
}

/** Makes the planner's front: `size` bounds the operations whose plans are kept. */
export function createReads(given: {
  api: Api;
  datamodel: Datamodel;
  limits: Omit<PageLimits, 'placeMark'>;
  size: number;
}): Reads {
  const plans = createPlanCache<NamedPlan>(given.size);
  // @NOTE connections outlive an application that is replaced, and know its statements by their names.
  const prefix = randomBytes(4).toString('hex');
  // @NOTE random: nobody can write it into a row, to have something sealed.
  const placeMark = `place ${randomBytes(16).toString('hex')}`;
  const place = new RegExp(`${placeMark}(.*?)${placeMark}`, 'g');
  const limits = { ...given.limits, placeMark };
  let planCount = 0;
  const finish: Reads['finish'] = (text, sealPlace) =>
    text.includes(placeMark) ? text.replaceAll(place, (_, found: string) => sealPlace(found)) : text;
  return {
    finish,
    api: given.api,
    datamodel: given.datamodel,
    limits,
    get size() {
      return plans.size;
    },
    plan(at, rootType, fields, verdicts) {
      return plans.get(at, fields.map((f) => f.key).join(','), verdicts, (isKept) => {
        const read = compileRead({ ...given, limits, verdicts, variables: at.variables }, at, rootType.name, fields);
        const made = { ...read, holdsPlaces: read.sql.includes(placeMark) };
        if (!isKept) return made;
        planCount += 1;
        return { ...made, name: `m${prefix}_${planCount}` };
      });
    },
    async run({ db, verdicts, room, sealPlace }, plan, variables) {
      const query = {
        ...(plan.name ? { name: plan.name } : {}),
        isRead: true,
        text: plan.sql,
        values: plan.values({ variables, rules: rulesOf(plan, verdicts) }),
      };
      const rows = await room.turn(() => db.query(query));
      const text = room.take(objectOf(plan.keys, rows[0] as (string | null)[]));
      return plan.holdsPlaces ? finish(text, sealPlace) : text;
    },
  };
}

/** The JSON object of texts under their keys; null where the first is null. A key of GraphQL needs no escaping. */
function objectOf(keys: readonly string[], texts: readonly (string | null)[]): string | null {
  if (texts[0] === null) return null;
  let object = '';
  for (let i = 0; i < keys.length; i++) object += `${i === 0 ? '{' : ','}"${keys[i]}":${texts[i]}`;
  return `${object}}`;
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
