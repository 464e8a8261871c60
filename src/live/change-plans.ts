import { randomBytes } from 'node:crypto';
import { createPlanCache } from '../data/plan-cache.ts';
import { type ChangePlan, compileChange, entryParameters } from '../data/planner/change.ts';
import type { PlannedField } from '../data/planner/plan.ts';
import type { Operation, Reads } from '../data/reads.ts';
import type { Verdicts } from '../data/rules/verdicts.ts';
import type { LogEntry } from '../log/entry.ts';
import { tableKey } from '../log/entry.ts';
import type { Database } from '../platform/db.ts';
import type { Classes } from './class-values.ts';
import type { ChangesField } from './schema.ts';

/** A change's statement, prepared: its text is complete. */
export interface PreparedChanges extends ChangePlan {
  id: string;
  text: string;
  /** Tables whose entries concern it, as the log spells them. */
  tables: readonly string[];
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
  /** Puts the cursor where an answer wants it. */
  withCursor(answer: string, cursor: string): string;
}

/** Makes the compiler of changes for one application. */
export function createChangePlans(db: Database, reads: Reads): ChangePlans {
  const cache = createPlanCache<ChangePlan & { prepared?: Promise<PreparedChanges> }>(1000);
  // @NOTE random: no client can write it into a row, to be replaced in another's answer.
  const marks = { cursor: `cursor ${randomBytes(16).toString('hex')}` };
  let count = 0;

  const prepare = async (plan: ChangePlan): Promise<PreparedChanges> => {
    count += 1;
    const id = `c${count}`;
    return { ...plan, id, text: plan.sql(await inferTypes(db, plan)), tables: [tableKey(plan.model.model.table)] };
  };
  return {
    async plan(at, field, { model }, verdicts) {
      const { api, datamodel, limits } = reads;
      const given = { api, datamodel, limits, verdicts, variables: at.variables };
      const plan = cache.get(at, field.key, verdicts, () => compileChange(given, at, model, field, marks));
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
    withCursor: (answer, cursor) => answer.replaceAll(marks.cursor, cursor),
  };
}

/** Asks PostgreSQL which types it takes a class's values for. */
async function inferTypes(db: Database, plan: ChangePlan): Promise<string[]> {
  const name = `types_${randomBytes(8).toString('hex')}`;
  return db.transaction(async (tx) => {
    await tx.script(`prepare ${name} as ${plan.untypedSql}`);
    const [row] = await tx.query({
      text: 'select parameter_types::text[] from pg_prepared_statements where name = $1',
      values: [name],
    });
    await tx.script(`deallocate ${name}`);
    return (row![0] as string[]).slice(entryParameters);
  });
}

/** Whether an entry is a change of the plan's own model. */
export const isOwn = (plan: ChangePlan, entry: LogEntry): boolean => entry.table === tableKey(plan.model.model.table);
