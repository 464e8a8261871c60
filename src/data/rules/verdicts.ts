import { isDeepStrictEqual } from 'node:util';
import type { Viewer } from '../../viewer.ts';
import { isRecord } from '../planner/value.ts';
import type { Action, RuleSet, UntypedRule } from './rule-set.ts';
import { isInScope } from './scopes.ts';

/** In a rule's `where`: a value that was undefined. It is SQL's unknown, so that neither it nor its negation matches. */
export const unknownValue = Symbol('unknown');

/** What a rule came to: open, closed, or open for the rows that a Prisma `where` matches. */
export type Verdict = boolean | Readonly<Record<string, unknown>>;

/** A rule that cannot be applied to anybody, for what it returns is no verdict. */
export class NoVerdict extends TypeError {}

/** Names one rule: `read:Task`, or `read:Task.title` for a field's; or a comparison of two. */
export type RuleSlot = `${Action | 'write'}:${string}` | RuleComparison;

/**
 * Names a comparison of two rules for reading, which is as much part of a plan's key. `within:Task.project=Project`:
 * whether that of Task asks of its project what that of Project asks; `whole:Task.project=Project`: and nothing else.
 */
export type RuleComparison = `${'within' | 'whole'}:${string}`;

/** What the rules come to for one viewer; each rule is asked at most once. */
export interface Verdicts {
  of(slot: RuleSlot): Verdict;
  /** The verdict together with all of it that a plan's SQL depends on. */
  shapeOf(slot: RuleSlot): string;
  /** Whether the rule is open to everybody always, so that no plan needs to look at it. */
  isOpen(slot: RuleSlot): boolean;
  /** Who is limited to scopes has plans of their own: to them, not even what is open to everybody always need be. */
  readonly scope: string;
}

/**
 * Asks the rules on behalf of a viewer. A missing model or action is closed; a field without a rule is as open as its row. What is
 * out of the scopes of an API key is closed, whatever the rules say, and to administrators too.
 */
export function verdictsFor(viewer: Viewer, rules: RuleSet): Verdicts {
  const asked = new Map<string, { verdict: Verdict; shape?: string }>();
  const decide = (slot: RuleSlot): Verdict =>
    isComparison(slot)
      ? compare(slot, (model) => entry(`read:${model}`).verdict)
      : isInScope(viewer.scopes, slot) && (viewer.isAdmin || ask(ruleAt(rules, slot), viewer, slot));
  const entry = (slot: RuleSlot): { verdict: Verdict; shape?: string } => {
    let known = asked.get(slot);
    if (!known) {
      known = { verdict: decide(slot) };
      asked.set(slot, known);
    }
    return known;
  };
  return {
    of: (slot) => entry(slot).verdict,
    shapeOf(slot) {
      const known = entry(slot);
      known.shape ??= shapeOfVerdict(known.verdict);
      return known.shape;
    },
    isOpen: (slot) => ruleAt(rules, slot) === true && isInScope(viewer.scopes, slot),
    scope: viewer.scopes?.join(' ') ?? '',
  };
}

const isComparison = (slot: RuleSlot): slot is RuleComparison => /^w(ithin|hole):/.test(slot);

/** @NOTE by value, not by shape: two rules may ask the same of different people. */
function compare(comparison: RuleComparison, ruleOf: (model: string) => Verdict): boolean {
  const [kind, model, field, other] = comparison.split(/[:.=]/) as [string, string, string, string];
  const [verdict, wanted] = [ruleOf(model), ruleOf(other)];
  if (!isRecord(verdict) || !isRecord(wanted)) return false;
  const part = verdict[field];
  if (!isRecord(part) || Object.keys(part).length === 0 || 'is' in part || 'isNot' in part) return false;
  return (kind === 'within' || Object.keys(verdict).length === 1) && isDeepStrictEqual(part, wanted);
}

function ruleAt(rules: RuleSet, slot: RuleSlot): UntypedRule {
  const [action, place] = slot.split(':') as [Action | 'write', string];
  const [model, field] = place.split('.') as [string, string?];
  const own = rules[model];
  if (field === undefined) return (action === 'write' ? undefined : own?.[action]) ?? false;
  return own?.fields?.[field]?.[action === 'read' ? 'read' : 'write'] ?? true;
}

function ask(rule: UntypedRule, viewer: Viewer, slot: RuleSlot): Verdict {
  const answer = typeof rule === 'function' ? (rule as (viewer: Viewer) => unknown)(viewer) : rule;
  if (answer === true) return true;
  if (isRecord(answer)) return closeUndefined(answer) as Record<string, unknown>;
  if (answer === false || answer === undefined || answer === null) return false;
  // @NOTE nobody waits for a promise here, and one that rejects unheard would end the process.
  if (answer instanceof Promise) answer.catch(() => {});
  throw new NoVerdict(`the rule ${slot} returned neither true, false nor a where (is it async?)`);
}

/** Marks what is undefined: in Prisma it would mean "any", and a rule must never open by accident. */
function closeUndefined(value: unknown): unknown {
  if (value === undefined) return unknownValue;
  if (Array.isArray(value)) return value.map(closeUndefined);
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, closeUndefined(part)]));
}

/** Whether something undefined stands anywhere in this part of a rule's `where`. */
export function holdsUnknown(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(holdsUnknown);
  return isRecord(value) ? Object.values(value).some(holdsUnknown) : value === unknownValue;
}

/**
 * The keys and kinds of a verdict without its bound values.
 * @NOTE joined, not added up: every socket keeps these, and V8 keeps a sum as all of its parts.
 */
export function shapeOfVerdict(value: unknown, key = ''): string {
  if (value === unknownValue) return '?';
  if (value === null) return 'n';
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (Array.isArray(value)) {
    if (value.some((item) => isRecord(item)))
      return ['[', value.map((item) => shapeOfVerdict(item)).join(','), ']'].join('');
    if (holdsUnknown(value)) return '[?]';
    // @NOTE quoted, so that no text of a token's can spell another shape.
    return key === 'path' ? JSON.stringify(value.map(String)) : '[]';
  }
  if (isRecord(value)) {
    const parts = Object.entries(value).map(([name, part]) =>
      [JSON.stringify(name), shapeOfVerdict(part, name)].join(':'),
    );
    return ['{', parts.join(','), '}'].join('');
  }
  // @NOTE not the text itself: a column may be called `mode`, and a text from a token could spell another rule's shape.
  return key === 'mode' && value === 'insensitive' ? 'i' : 'v';
}
