import type { Model } from '../model/datamodel.ts';
import { ruleCondition } from '../planner/compiler.ts';
import { all, tableRef } from '../planner/statement.ts';
import type { Action } from '../rules/rule-set.ts';
import type { RuleSlot } from '../rules/verdicts.ts';
import { forbidden } from './refusals.ts';
import { hasOneOf, keyColumns, type RowKey, runStatement, type WriteRun } from './run.ts';

/** What was asked of a rule on the way, and what it said. */
export interface Judgment {
  /** Where the row stands in the arguments. */
  path: string;
  model: string;
  action: Exclude<Action, 'read'>;
  /** Fields that are set, whose own rules were asked too. */
  fields: readonly string[];
  allowed: boolean;
}

/** Notes what a rule has said, for whoever wants to know, and refuses what it does not allow. @throws FORBIDDEN */
export function settle(run: WriteRun, judgment: Judgment): void {
  run.context.judged?.push(judgment);
  if (!judgment.allowed) throw forbidden(judgment.path);
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
  settle(run, { path: at, model: model.name, action, fields, allowed: refused < 0 });
}
