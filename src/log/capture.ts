/**
 * Capture: a trigger on each table of the schema writes every change of a row into the inbox, in the transaction that
 * makes it. Cascades, raw SQL and other programs are captured too.
 */
import type { Datamodel } from '../data/model/datamodel.ts';
import { identifier, literal, tableRef } from '../data/planner/statement.ts';
import type { Database, Queryable } from '../platform/db.ts';
import { tableKey } from './entry.ts';
import { installLock, logTables } from './tables.ts';

/** A table whose changes are captured. */
type Table = { schema: string; name: string };

/**
 * @NOTE the name: triggers of one event fire by name, and this one must come before PostgreSQL's own `RI_…`, which cascade.
 * So a deleted row stands in the log before the rows that go with it.
 */
const rowTrigger = 'Millrace_capture';
const truncateTrigger = 'Millrace_capture_truncate';

/** Bumped whenever the functions below change. */
const version = 1;

/** @NOTE security definer: whoever may write to a table need not know of the log. An update that changes nothing is none. */
const functions = `
create or replace function millrace.capture() returns trigger language plpgsql security definer set search_path = '' as $body$
declare
  before json; after json;
begin
  if tg_op <> 'INSERT' then before := row_to_json(old); end if;
  if tg_op <> 'DELETE' then after := row_to_json(new); end if;
  if tg_op = 'UPDATE' and before::text = after::text then return null; end if;
  insert into millrace.event_inbox (relation, operation, old, new)
    values (tg_argv[0], substr(tg_op, 1, 1), before, after);
  return null;
end $body$;
create or replace function millrace.capture_truncate() returns trigger language plpgsql security definer set search_path = '' as $body$
begin
  insert into millrace.event_inbox (relation, operation) values (tg_argv[0], 'T');
  return null;
end $body$;
comment on function millrace.capture() is 'version ${version}';
`;

/** What an installation found and did. */
export interface Installation {
  /** Tables that were not captured until now. */
  captured: string[];
  /** Some of them had been captured before: their changes since may be lost, so a new epoch has begun. */
  wasBroken: boolean;
}

/** Tables whose changes the log holds: of every model that is none of a view's, and the join tables between them. */
export function capturedTables(datamodel: Datamodel): Table[] {
  const tables = new Map<string, Table>();
  for (const model of datamodel.models.values()) {
    if (!model.isView) tables.set(tableKey(model.table), model.table);
    for (const { link } of model.relations) if (link.kind === 'join') tables.set(tableKey(link.table), link.table);
  }
  return [...tables.values()];
}

/**
 * Makes the log's tables and the triggers that are missing; does nothing where all is there. A table that had lost its
 * trigger (it was made anew, say) begins a new epoch, for nobody knows what was missed.
 */
export async function installCapture(db: Database, datamodel: Datamodel): Promise<Installation> {
  const tables = capturedTables(datamodel);
  if ((await uncaptured(db, tables)).length === 0) return { captured: [], wasBroken: false };
  return db.transaction(async (tx) => {
    await tx.query({ text: `select pg_advisory_xact_lock(${installLock})`, values: [] });
    await tx.script(logTables + functions);
    const missing = await uncaptured(tx, tables);
    const relations = missing.map(tableKey);
    const known = await tx.query({
      text: `select 1 from millrace.event_capture where relation = any($1) limit 1`,
      values: [relations],
    });
    const wasBroken = known.length > 0;
    for (const table of missing) await tx.script(triggersOf(table));
    await tx.query({
      text: 'insert into millrace.event_capture select unnest($1::text[]) on conflict do nothing',
      values: [relations],
    });
    if (wasBroken) await tx.script('update millrace.event_head set epoch = gen_random_uuid()::text');
    return { captured: relations, wasBroken };
  });
}

/** The tables that have no trigger, or one of an older version; all of them where there is no log yet. */
export async function uncaptured(db: Queryable, tables: readonly Table[]): Promise<Table[]> {
  const rows = await db.query({
    text: `select n.nspname || '.' || c.relname from pg_trigger t
      join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
      join pg_proc p on p.oid = t.tgfoid
      where t.tgname = $1 and t.tgenabled in ('O', 'A') and obj_description(p.oid, 'pg_proc') = $2`,
    values: [rowTrigger, `version ${version}`],
  });
  const captured = new Set(rows.map(([name]) => name));
  return tables.filter((table) => !captured.has(tableKey(table)));
}

function triggersOf(table: Table): string {
  const [on, argument] = [tableRef(table), literal(tableKey(table))];
  const [row, truncate] = [identifier(rowTrigger), identifier(truncateTrigger)];
  return `
    drop trigger if exists ${row} on ${on};
    create trigger ${row} after insert or update or delete on ${on}
      for each row execute function millrace.capture(${argument});
    drop trigger if exists ${truncate} on ${on};
    create trigger ${truncate} after truncate on ${on}
      for each statement execute function millrace.capture_truncate(${argument});`;
}
