/** The rows that are a user's own, as `personalData` of app/accounts.ts names them: by the words of rules, whoever may see them. */
import type { Context } from '../../../context.ts';
import { type Model, modelNamed } from '../../../data/model/datamodel.ts';
import { createCompiler, ruleWhere } from '../../../data/planner/compiler.ts';
import { outputSql } from '../../../data/planner/output.ts';
import { columnRef, identifier, tableRef } from '../../../data/planner/statement.ts';
import { constant } from '../../../data/planner/value.ts';
import type { Verdicts } from '../../../data/rules/verdicts.ts';
import { MillraceError, StartupError } from '../../../errors.ts';
import type { Query } from '../../../platform/db.ts';
import type { Needs } from '../users.ts';

/** What reading and deleting them takes. */
export type PersonalNeeds = Needs & Pick<Context, 'reads' | 'room'>;

/** Rows of one model that are exported at most. */
const mostRows = 10_000;

const allSeeing: Verdicts = { of: () => true, shapeOf: () => '1', isOpen: () => true, scope: '' };

/** A user's own rows, by model; the fields as the API writes them. @throws TOO_LARGE */
export async function readPersonalRows(ctx: PersonalNeeds, userId: string): Promise<Record<string, unknown[]>> {
  const all: Record<string, unknown[]> = {};
  for (const [name, where] of personalData(ctx, userId)) {
    const query = statementFor(ctx, name, where, (model, condition) => {
      const fields = model.columns.map((f) => `${outputSql(f, columnRef('t', f))} as ${identifier(f.name)}`);
      const rows = `select ${fields.join(', ')} from ${tableRef(model.table)} t where ${condition} limit ${mostRows + 1}`;
      return `select row_to_json(x)::text from (${rows}) x`;
    });
    const rows = await ctx.room.turn(() => ctx.db.query(query));
    if (rows.length > mostRows) throw new MillraceError('TOO_LARGE', `there are more than ${mostRows} rows of ${name}`);
    all[name] = rows.map(([text]) => JSON.parse(ctx.room.take(text as string)) as unknown);
  }
  return all;
}

/** Deletes a user's own rows, model by model, in the order in which app/accounts.ts names them. */
export async function deletePersonalRows(ctx: PersonalNeeds, userId: string): Promise<void> {
  for (const [name, where] of personalData(ctx, userId)) {
    await ctx.db.query(
      statementFor(ctx, name, where, ({ table }, condition) => `delete from ${tableRef(table)} t where ${condition}`),
    );
  }
}

/** @NOTE an empty `where` is every row of a model, and of no user: it is taken for a mistake. */
function personalData({ accounts }: Needs, userId: string): [string, object][] {
  const { personalData: said = {} } = accounts!.plan.definition;
  const rows = Object.entries(said as Record<string, ((userId: string) => object) | undefined>);
  return rows.flatMap(([name, whereOf]) => {
    const where = whereOf?.(userId);
    if (where === undefined) return [];
    if (Object.values(where).every((part) => part === undefined))
      throw new Error(`personalData.${name} of app/accounts.ts names every row`);
    return [[name, where]];
  });
}

function statementFor(
  { reads }: PersonalNeeds,
  name: string,
  where: object,
  write: (model: Model, condition: string) => string,
): Query {
  const model = modelNamed(reads.datamodel, name);
  const c = createCompiler({ ...reads, verdicts: allSeeing, variables: {} });
  const condition = ruleWhere(c, model, 't', constant(where, `personalData.${name}`));
  const { text, values } = c.statement.finish(write(model, condition));
  return { text, values: values({ variables: {}, rules: {} }) };
}

/** Passes where `personalData` names models that are there. @throws StartupError */
export function checkPersonalData(said: object, models: ReadonlyMap<string, unknown>): void {
  const missing = Object.keys(said).find((name) => !models.has(name));
  if (missing !== undefined)
    throw new StartupError(
      `app/accounts.ts: personalData names ${missing}, which is no model`,
      'correct `personalData`',
    );
}
