import type { Model } from '../model/datamodel.ts';
import { ruleCondition } from '../planner/compiler.ts';
import { all, tableRef } from '../planner/statement.ts';
import type { Action } from '../rules/rule-set.ts';
import type { RuleSlot } from '../rules/verdicts.ts';
import { forbidden } from './refusals.ts';
import { hasOneOf, keyColumns, type RowKey, runStatement, type WriteRun } from './run.ts';

/** What a rule has said of rows. */
interface Said {
  path: string;
  model: Model;
  action: Action;
  /** Fields that were set, by their names in the schema. */
  fields?: readonly string[];
  allowed: boolean;
}

/** Notes for a preview what a rule has said. */
export function note({ api, context }: WriteRun, { model, fields = [], ...said }: Said): void {
  if (!context.judged) return;
  const names = api.models.get(model.name);
  const written = fields.map((field) => names?.nameOf.get(field) ?? field);
  context.judged.push({ ...said, model: names?.name ?? model.name, ...(written.length > 0 && { fields: written }) });
}

/** Notes what a rule has said, and refuses what it does not allow. @throws FORBIDDEN */
export function settle(run: WriteRun, said: Said): void {
  note(run, said);
  if (!said.allowed) throw forbidden(said.path);
}

/**
 * Holds rows as they are now to the rule of the action, where one is given, and to those of the fields that were set. A row that is
 * gone is held to nothing, and refused.
 * @param path where they stand in the arguments, together or each
 * @throws FORBIDDEN
 */
export async function requireRules(
  run: WriteRun,
  model: Model,
  action: 'create' | 'update',
  keys: readonly RowKey[],
  fields: readonly string[],
  path: string | readonly string[],
  isWhole = true,
): Promise<void> {
  if (keys.length === 0) return;
  const slots: RuleSlot[] = [
    ...(isWhole ? [`${action}:${model.name}` as const] : []),
    ...fields.map((field) => `write:${model.name}.${field}` as const),
  ];
  if (!isWhole && slots.every((slot) => run.context.verdicts.of(slot) === true)) return;
  const rows = await runStatement(run, (c) => {
    const rules = slots.map((slot) => ruleCondition(c, slot, model, 't'));
    return `select ${keyColumns(model, 't')} from ${tableRef(model.table)} t where ${all([hasOneOf(c, model, 't', keys), ...rules])}`;
  });
  const allowed = new Set(rows.map((key) => JSON.stringify(key)));
  const refused = keys.findIndex((key) => !allowed.has(JSON.stringify(key)));
  const at = typeof path === 'string' ? path : path[Math.max(refused, 0)]!;
  settle(run, { path: at, model, action, fields, allowed: refused < 0 });
}
