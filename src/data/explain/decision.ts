import type { ErrorCode } from '../../errors.ts';
import type { Viewer } from '../../viewer.ts';
import type { Action } from '../rules/rule-set.ts';
import type { RuleSlot } from '../rules/verdicts.ts';
import type { RuleAnswer, Truth } from './rule-answers.ts';

/** What is decided of a request, and by what. */
export interface Decision {
  /** Null where it depends on the row, and none is named. */
  allowed: Truth;
  /** The rule that decided. */
  rule: RuleSlot | null;
  /** What the viewer's own request is answered with; null where nothing is refused, or what is hidden is simply not there. */
  error: ErrorCode | null;
  reason: string;
}

/** What a decision is made of. */
interface Evidence {
  action: Action;
  viewer: Viewer;
  /** Whether the row is there; null where none is named. */
  exists: Truth;
  /** The rules that the action asks, in their order: that of seeing the row, that of the action, that of the field. */
  rules: readonly RuleAnswer[];
  isDeclared: (slot: RuleSlot) => boolean;
}

/** Decides as the API does: what no row can change before anything is read, then what the row says, rule by rule. */
export function decide({ action, viewer, exists, rules, isDeclared }: Evidence): Decision {
  const isMissing = exists === false && action !== 'create';
  if (viewer.isAdmin && !isMissing) return allow(null, 'the admin role stands above the rules');
  const failed = rules.find(({ verdict }) => verdict === 'FAILED');
  if (failed) return refuse(failed, 'INTERNAL', `${failed.rule} fails for this viewer: ${failed.problem}`);
  const closed = rules.find(({ rule, verdict }) => verdict === 'CLOSED' && isAskedFirst(action, rule));
  if (closed) {
    const reason = isDeclared(closed.rule)
      ? `${closed.rule} is closed to this viewer`
      : `there is no rule ${closed.rule}: only the admin role may`;
    const isAskedToSignIn = viewer.isAnonymous && !closed.rule.includes('.');
    return refuse(closed, isAskedToSignIn ? 'UNAUTHENTICATED' : 'FORBIDDEN', reason);
  }
  if (isMissing)
    return { allowed: false, rule: null, error: told(action, 'NOT_FOUND'), reason: 'there is no such row' };
  const missed = rules.find(({ holds }) => holds !== true);
  if (!missed) {
    const { rule, verdict } = rules.at(-1)!;
    return allow(rule, verdict === 'OPEN' ? `${rule} is open to this viewer` : `${rule} holds for this row`);
  }
  if (missed.verdict === 'CONDITION' && exists !== true) {
    const why = exists === false ? 'there is no such row to judge it by' : 'name one by `where`';
    return { allowed: null, rule: missed.rule, error: null, reason: `${missed.rule} depends on the row: ${why}` };
  }
  const { rule, verdict } = missed;
  const why = verdict === 'CLOSED' ? 'is closed to this viewer' : 'does not hold for this row';
  if (rule.includes('.')) {
    const what = action === 'read' ? 'the value is hidden' : 'the field may not be set';
    return refuse(missed, told(action, 'FORBIDDEN'), `${what}: ${rule} ${why}`);
  }
  return rule.startsWith('read:')
    ? refuse(missed, told(action, 'NOT_FOUND'), `the row is hidden: ${rule} ${why}`)
    : refuse(missed, 'FORBIDDEN', `${rule} ${why}`);
}

/** What is refused before any row is looked at: the action, and a field that nobody sets. */
const isAskedFirst = (action: Action, rule: RuleSlot): boolean =>
  rule.startsWith(`${action}:`) ? !rule.includes('.') : rule.startsWith('write:');

/** What is hidden from a reader is not there, or null; a writer is told. */
const told = (action: Action, code: ErrorCode): ErrorCode | null => (action === 'read' ? null : code);

const allow = (rule: RuleSlot | null, reason: string): Decision => ({ allowed: true, rule, error: null, reason });

const refuse = ({ rule }: RuleAnswer, error: ErrorCode | null, reason: string): Decision => ({
  allowed: false,
  rule,
  error,
  reason,
});
