/**
 * The truth about what was done: triggers of the test's own write down every change, in the order in which one session makes
 * them, cascades included. What is told is held to this, never to Millrace's own log.
 *
 * A *scope* is what the ids of one history's rows begin with.
 */
import type pg from 'pg';
import type { RowChange } from '../../model/tell.ts';
import type { Row } from '../../model/world.ts';

/** A change, and the transaction that made it. */
export interface AuditedChange extends RowChange {
  n: number;
  transaction: string;
}

const models: Record<string, string> = {
  users: 'User',
  workspaces: 'Workspace',
  members: 'Member',
  projects: 'Project',
  tasks: 'Task',
  labels: 'Label',
  _LabelToTask: '_LabelToTask',
  comments: 'Comment',
};

/** Triggers fire by name: this one, too, before PostgreSQL's own, which cascade. */
export const auditTables = `
  create table audit (n bigserial, scope text, xid text, relation text, before json, after json, primary key (scope, n));
  create function audit() returns trigger language plpgsql as $body$
  declare before json; after json;
  begin
    if tg_op <> 'INSERT' then before := row_to_json(old); end if;
    if tg_op <> 'DELETE' then after := row_to_json(new); end if;
    if before::text = after::text then return null; end if;
    insert into audit (scope, xid, relation, before, after) values (
      substring(coalesce(after, before)::text from '([0-9a-f]{8})-0000-7000-8000-'), pg_current_xact_id()::text, tg_relname, before, after);
    return null;
  end $body$;
  ${Object.keys(models)
    .map(
      (table) =>
        `create trigger "Audit" after insert or update or delete on "${table}" for each row execute function audit();
        alter table "${table}" enable always trigger "Audit";`,
    )
    .join('\n')}`;

/** What was done in these scopes behind a place. */
export async function readAudit(client: pg.Client, scopes: string[], after: number): Promise<AuditedChange[]> {
  const { rows } = await client.query({
    name: 'audit',
    text: 'select n, xid, relation, before, after from audit where scope = any($1) and n > $2 order by n',
    values: [scopes, after],
  });
  return rows.map(({ n, xid, relation, before, after }) => ({
    n: Number(n),
    transaction: xid,
    model: models[relation]!,
    before: before && toRow(relation, before),
    after: after && toRow(relation, after),
  }));
}

/** The row as the API spells it. */
function toRow(relation: string, image: Record<string, unknown>): Row {
  if (relation === '_LabelToTask') return image;
  return Object.fromEntries(
    Object.entries(image).map(([column, value]) => {
      const name = column.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
      if (name === 'role') return [name, String(value).toUpperCase()];
      return [name, name === 'budget' && value !== null ? Number(value).toFixed(2) : value];
    }),
  );
}
