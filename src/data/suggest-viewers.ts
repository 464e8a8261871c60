import type { Queryable } from '../platform/db.ts';
import type { ColumnField, Datamodel, Model } from './model/datamodel.ts';
import { columnRef, tableRef } from './planner/statement.ts';

/** Somebody that a developer may want to look at the API as. */
export interface SuggestedViewer {
  sub: string;
  label: string;
}

const atMost = 8;

/** The first people of the model that rules are likely to mean by `viewer.id`: `User`, or one named so in other spellings. */
export async function suggestViewers(db: Queryable, datamodel: Datamodel): Promise<SuggestedViewer[]> {
  const model = [...datamodel.models.values()].find((m) => /^(app_?)?users?$/i.test(m.name));
  const key = model?.uniqueKeys.find((k) => k.isPrimary && k.fields.length === 1)?.fields[0];
  if (!model || !key) return [];
  const id = `${columnRef('t', key)}::text`;
  const label = namingColumn(model);
  const shown = label ? `coalesce(${columnRef('t', label)}::text, ${id})` : id;
  const text = `select ${id}, ${shown} from ${tableRef(model.table)} t order by ${columnRef('t', key)} limit ${atMost}`;
  const rows = await db.query({ text, values: [] });
  return rows.map(([sub, name]) => ({ sub: sub as string, label: name as string }));
}

const namingColumn = (model: Model): ColumnField | undefined =>
  ['name', 'displayName', 'username', 'fullName', 'email']
    .map((name) => model.columns.find((c) => c.name === name))
    .find((c) => c);
