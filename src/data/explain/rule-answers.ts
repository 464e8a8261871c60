import { MillraceError } from '../../errors.ts';
import type { Model } from '../model/datamodel.ts';
import { type Compiler, ruleCondition, ruleWhere } from '../planner/compiler.ts';
import { constant } from '../planner/value.ts';
import type { RuleSlot } from '../rules/verdicts.ts';
import { partsOf, type RuleJoin, type RuleWhere } from './rule-parts.ts';

/** What a rule came to for a viewer. */
export type RuleVerdict = 'OPEN' | 'CLOSED' | 'CONDITION' | 'FAILED';

/** Whether something holds for the row: null where there is no row, or where it is neither true nor false. */
export type Truth = boolean | null;

/** A rule as one viewer meets it. */
export interface RuleAnswer {
  rule: RuleSlot;
  verdict: RuleVerdict;
  condition: RuleWhere | undefined;
  /** Of FAILED: why. */
  problem: string | undefined;
  holds: Truth;
  parts: readonly PartAnswer[];
}

/** A part of a rule's condition, and whether it holds. */
export interface PartAnswer {
  path: string;
  joined: RuleJoin;
  condition: RuleWhere;
  holds: Truth;
}

/** A rule that is written down, to be answered by what the row says of its conditions. */
type Answering<Answer> = (truths: (index: number) => Truth) => Answer;

/** Writes conditions down and says where their truths will be found. */
type Ask = (condition: string) => number;

/** Asks one rule of the row at `t`, with each part of it. */
export function askRule(c: Compiler, ask: Ask, slot: RuleSlot, model: Model): Answering<RuleAnswer> {
  const written = writeRule(c, slot, model);
  const answer = (verdict: RuleVerdict, holds: Truth): RuleAnswer => {
    return { rule: slot, verdict, holds, condition: undefined, problem: undefined, parts: [] };
  };
  if ('problem' in written) return () => ({ ...answer('FAILED', null), problem: written.problem });
  const { verdict, sql } = written;
  if (typeof verdict === 'boolean') return () => answer(verdict ? 'OPEN' : 'CLOSED', verdict);
  const whole = ask(sql);
  const parts = partsOf(c.datamodel, model, verdict).map(({ path, joined, where, isNegated }) => {
    const index = ask(ruleWhere(c, model, 't', constant(where), isNegated));
    return { path, joined, condition: where, index };
  });
  return (truths) => ({
    ...answer('CONDITION', truths(whole)),
    condition: verdict,
    parts: parts.map(({ index, ...part }) => ({ ...part, holds: truths(index) })),
  });
}

/** Asks one rule of the row at `t`, and no more than whether it holds. */
export function askWhetherRuleHolds(c: Compiler, ask: Ask, slot: RuleSlot, model: Model): Answering<Truth> {
  const written = writeRule(c, slot, model);
  if ('problem' in written) return () => false;
  const { verdict, sql } = written;
  if (typeof verdict === 'boolean') return () => verdict;
  const index = ask(`(${sql}) is true`);
  return (truths) => truths(index);
}

type Written = { verdict: boolean; sql: string } | { verdict: RuleWhere; sql: string } | { problem: string };

/** A rule as SQL; or what is wrong with it, which is nobody's business but that of whoever asks here. */
function writeRule(c: Compiler, slot: RuleSlot, model: Model): Written {
  try {
    return { verdict: c.verdicts.of(slot), sql: ruleCondition(c, slot, model, 't') } as Written;
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    const told = cause instanceof MillraceError ? cause : error;
    return { problem: told instanceof Error ? told.message : String(told) };
  }
}
