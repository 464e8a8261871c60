import { createHash, randomBytes } from 'node:crypto';
import { type Classes, type ClassValues, classOf } from '../data/class-values.ts';
import { createPlanCache } from '../data/plan-cache.ts';
import { type ChangePlan, compileChange, entryParameters } from '../data/planner/change.ts';
import type { PlannedField } from '../data/planner/plan.ts';
import { type SightPlan, sightParameters } from '../data/planner/sight.ts';
import type { PlanInput } from '../data/planner/value.ts';
import { prepareMany } from '../data/prepare-many.ts';
import type { Operation, Reads } from '../data/reads.ts';
import type { Verdicts } from '../data/rules/verdicts.ts';
import type { LogEntry } from '../log/entry.ts';
import { tableKey } from '../log/entry.ts';
import type { Stretch } from '../log/log-source.ts';
import type { Database } from '../platform/db.ts';
import { createPlaceless } from './placeless.ts';
import { type Watch, watchFor } from './relevance.ts';
import type { ChangesField } from './schema.ts';

/** A change's statement, prepared: its text is complete. */
export interface PreparedChanges extends ChangePlan {
  id: string;
  text: string;
  /** Its own table, as the log spells it. */
  table: string;
  /** Tables whose entries concern it, its own among them. */
  tables: readonly string[];
  sights: readonly PreparedSight[];
}

/** A sight's statement, prepared. */
export interface PreparedSight {
  id: string;
  text: string;
  table: string;
  values: SightPlan['values'];
}

/** A class of viewers: its values for the plan, and for each of its sights. */
export interface ViewerClass {
  /** Its values for the plan as JSON: what it is found by, and what PostgreSQL is told of it. */
  key: string;
  sightValues: readonly ClassValues[];
  /** What its sight depends on. */
  watch: Watch;
}

/** What one entry comes to for some classes: their indexes, and the JSON text of the answer without its cursor. */
export interface Judgement {
  seq: number;
  classes: readonly number[];
  answer: string;
}

/** Compiles and runs the statements that judge changes. */
export interface ChangePlans {
  plan(at: Operation, field: PlannedField, changes: ChangesField, verdicts: Verdicts): Promise<PreparedChanges>;
  /** Judges entries of the plan's model for these classes, in one statement. */
  judge(
    plan: PreparedChanges,
    entries: readonly LogEntry[],
    deletions: readonly LogEntry[],
    classes: Classes,
  ): Promise<Judgement[]>;
  /**
   * Which classes see other rows than before because of these entries of the sight's table: the last such entry of each.
   * @param later what was made and deleted of the model's own rows since the first of the entries
   */
  judgeSight(
    sight: PreparedSight,
    entries: readonly LogEntry[],
    later: Stretch,
    classes: readonly ClassValues[],
  ): Promise<Map<number, number>>;
  /** The class that an input belongs to. @throws MillraceError INVALID_INPUT */
  classOf(plan: PreparedChanges, input: PlanInput): ViewerClass;
  /** Puts the cursor where an answer wants it. */
  withCursor(answer: string, cursor: string): string;
}

/** Plans that differ in what they select, or in their events, share the statements of their sights. */
const sightName = (text: string): string => `s${createHash('sha256').update(text).digest('hex').slice(0, 32)}`;

/** Makes the compiler of changes for one application. */
export function createChangePlans(db: Database, reads: Reads): ChangePlans {
  const cache = createPlanCache<ChangePlan & { prepared?: Promise<PreparedChanges> }>(1000);
  // @NOTE random: no client can write it into a row, to be replaced in another's answer.
  const marks = { cursor: `cursor ${randomBytes(16).toString('hex')}` };
  // @NOTE connections outlive an application that is replaced, and know its statements by their names.
  const prefix = randomBytes(4).toString('hex');
  const placeless = createPlaceless();
  let count = 0;

  const prepare = async (plan: ChangePlan): Promise<PreparedChanges> => {
    count += 1;
    const id = `c${prefix}_${count}`;
    const sights = await Promise.all(
      plan.sight.plans.map(async (sight) => {
        const text = await prepareMany(db, sight, sightParameters);
        return { id: sightName(text), text, table: tableKey(sight.table), values: sight.values };
      }),
    );
    const table = tableKey(plan.model.model.table);
    const tables = [...new Set([table, ...plan.sight.dependencies.map((d) => tableKey(d.table))])];
    return { ...plan, id, text: await prepareMany(db, plan, entryParameters), table, tables, sights };
  };
  return {
    async plan(at, field, { model }, verdicts) {
      const { api, datamodel, limits } = reads;
      const asked = placeless(at, field);
      const given = { api, datamodel, limits, verdicts, variables: asked.variables };
      const plan = cache.get(asked, field.key, verdicts, () => compileChange(given, at, model, field, marks));
      plan.prepared ??= prepare(plan);
      try {
        return await plan.prepared;
      } catch (error) {
        plan.prepared = undefined;
        throw error;
      }
    },
    async judge(plan, entries, deletions, classes) {
      const column = <T>(of: (entry: LogEntry) => T) => entries.map(of);
      const gone = deletions.map((d) => `{"table":${JSON.stringify(d.table)},"xid":"${d.transaction}","old":${d.old}}`);
      const rows = await db.query({
        name: plan.id,
        text: plan.text,
        values: [
          column((e) => e.seq),
          column((e) => e.kind),
          column((e) => e.at),
          column((e) => e.transaction),
          column((e) => e.old),
          column((e) => e.new),
          `[${gone.join(',')}]`,
          classes,
        ],
      });
      return rows.map(([seq, heard, answer]) => ({
        seq: Number(seq),
        classes: (heard as (string | number)[]).map((n) => Number(n) - 1),
        answer: answer as string,
      }));
    },
    async judgeSight(sight, entries, later, classes) {
      const rows = await db.query({
        name: sight.id,
        text: sight.text,
        values: [
          entries.map((e) => e.seq),
          entries.map((e) => e.transaction),
          entries.map((e) => e.old),
          entries.map((e) => e.new),
          later.entries.map((e) => e.seq),
          later.entries.map((e) => e.transaction),
          later.entries.map((e) => e.kind),
          later.entries.map((e) => e.new ?? e.old),
          later.to,
          classes.map((values) => JSON.stringify(values)),
        ],
      });
      const last = new Map<number, number>();
      for (const [seq, changed] of rows) {
        for (const n of changed as (string | number)[]) {
          last.set(Number(n) - 1, Math.max(last.get(Number(n) - 1) ?? 0, Number(seq)));
        }
      }
      return last;
    },
    classOf: (plan, input) => ({
      key: JSON.stringify(classOf(plan.values(input))),
      sightValues: plan.sights.map((sight) => classOf(sight.values(input))),
      watch: watchFor(plan.sight.dependencies, input),
    }),
    withCursor: (answer, cursor) => answer.replaceAll(marks.cursor, cursor),
  };
}
