/**
 * Writes by one statement each, from a parsed operation to PostgreSQL's answer. Statements are made once for each document, shape
 * of variables and shape of rules, kept in a bounded cache, and run with the values of each request; as reads are.
 */
import { randomBytes } from 'node:crypto';
import type { Query, Queryable } from '../../platform/db.ts';
import { leavesNothing } from '../../platform/db-errors.ts';
import type { Viewer } from '../../viewer.ts';
import type { Api } from '../api/api-model.ts';
import type { ColumnField, Datamodel } from '../model/datamodel.ts';
import { createPlanCache } from '../plan-cache.ts';
import type { PageLimits } from '../planner/compiler.ts';
import type { PlannedField } from '../planner/plan.ts';
import { tableRef } from '../planner/statement.ts';
import { type Asker, type Operation, rulesOf } from '../reads.ts';
import { defaultByRule } from './assignments.ts';
import { compileWrite, type RowChange, type WritePlan } from './one-statement.ts';
import type { DefaultsByRule } from './one-statement-columns.ts';

/** Plans and runs writes by one statement; shared by all requests. */
export interface QuickWrites {
  /**
   * Does all of a mutation whose only root field this is; resolves to the JSON text of its data. Undefined where it is no write for
   * one statement, or was not let through: nothing has been written then, and the general way has to say why.
   * @throws MillraceError where it is not known whether anything was written
   */
  write(
    asker: Pick<Asker, 'db' | 'verdicts' | 'room'> & { viewer: Viewer },
    operation: Operation,
    change: RowChange,
    field: PlannedField,
  ): Promise<string | undefined>;
}

type NamedPlan = WritePlan & { name?: string };

type Prepare = (...given: Parameters<QuickWrites['write']>) => Promise<Query | undefined>;

/** Makes the front of quick writes: `size` bounds the operations whose plans are kept. */
export function createQuickWrites(given: {
  api: Api;
  datamodel: Datamodel;
  limits: PageLimits;
  size: number;
}): QuickWrites {
  const plans = createPlanCache<NamedPlan>(given.size);
  const ordinary = createOrdinaryTables();
  // @NOTE connections outlive an application that is replaced, and know its statements by their names.
  const prefix = randomBytes(4).toString('hex');
  let planCount = 0;
  const prepare: Prepare = async ({ db, verdicts, room, viewer }, at, change, field) => {
    const defaults = defaultsFor(viewer, change);
    const plan = plans.get(at, `${field.key}${shapeOf(defaults)}`, verdicts, (isKept): NamedPlan => {
      const made = compileWrite({ ...given, verdicts, variables: at.variables }, at, change, field, defaults);
      if (!isKept || made.sql === undefined) return made;
      planCount += 1;
      return { ...made, name: `w${prefix}_${planCount}` };
    });
    if (plan.sql === undefined) return undefined;
    for (const table of plan.tables) if (!(await ordinary.has(db, tableRef(table)))) return undefined;
    const values = plan.values({ variables: at.variables, rules: rulesOf(plan, verdicts), room: room.left, defaults });
    return { text: plan.sql, values, name: plan.name, isWrite: true };
  };
  return {
    async write(asker, at, change, field) {
      // What is wrong before anything was sent, the general way meets as well, and knows how to say.
      const query = await prepare(asker, at, change, field).catch(() => undefined);
      if (!query) return undefined;
      try {
        const [row] = await asker.room.turn(() => asker.db.query(query));
        return row && `{"${field.key}":${asker.room.take(row[0] as string)}}`;
      } catch (error) {
        if (leavesNothing(error)) return undefined;
        throw error;
      }
    },
  };
}

function defaultsFor(viewer: Viewer, { action, model }: RowChange): DefaultsByRule {
  const given = Object.keys((action === 'create' && model.defaults) || {}).map(
    (name) => model.model.fields.get(name) as ColumnField,
  );
  return new Map(
    given.flatMap((field): [ColumnField, unknown][] => {
      const filling = defaultByRule(viewer, model, field);
      return filling ? [[field, filling.value]] : [];
    }),
  );
}

/** All of the defaults that the SQL depends on. */
const shapeOf = (defaults: DefaultsByRule): string =>
  [...defaults].map(([{ name }, value]) => ` ${name}${value === null ? '=' : ''}`).join('');

/** Milliseconds for which it is taken for granted that a table has become nothing else. */
const trust = 5000;

/**
 * Knows tables that are what they seem: whose writes set off nothing of the database owner's own. What a trigger does beside the
 * write, or after it, one statement does not see.
 */
function createOrdinaryTables(): { has(db: Queryable, table: string): boolean | Promise<boolean> } {
  const known = new Map<string, { until: number; isOrdinary: boolean }>();
  return {
    has(db, table) {
      const found = known.get(table);
      if (found && performance.now() < found.until) return found.isOrdinary;
      return db.query({ text: isOrdinarySql, values: [table] }).then(([row]) => {
        const isOrdinary = row?.[0] === true;
        known.set(table, { until: performance.now() + trust, isOrdinary });
        return isOrdinary;
      });
    },
  };
}

const isOrdinarySql = `
  select relkind = 'r' and not relhasrules and not relhassubclass and not relispartition and not exists (
    select from pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal and t.tgenabled <> 'D'
      and t.tgfoid <> all (array_remove(array[to_regproc('millrace.capture'), to_regproc('millrace.capture_truncate'),
        to_regproc('millrace.forget_account')]::oid[], null))
  ) from pg_class c where c.oid = to_regclass($1)`;
