import type { RuledWorld } from '../../model/access.ts';
import { withDeleted } from '../../model/apply.ts';
import { changesSight, type Subscriber, type Told, tellChange } from '../../model/tell.ts';
import type { ChangeStream } from '../../support/socket.ts';
import type { AuditedChange } from './audit.ts';
import type { Choices } from './explain.ts';
import type { HistorySubscription } from './history.ts';
import { askings } from './subscriptions.ts';

/** A change, what its transaction did besides, and the worlds in which it may have been judged. */
export interface PlacedChange {
  change: AuditedChange;
  together: readonly AuditedChange[];
  worlds: RuledWorld[];
}

/** What a change may come to for one who listens, worked out again only when there is more to judge it by. */
interface Judged {
  by: string;
  choices: Choices;
  turns: boolean[];
}

/** One who listens, what came, and what may come of each change so far. */
export interface Listening {
  asked: HistorySubscription;
  subscriber: Subscriber;
  variables: Record<string, unknown>;
  stream: ChangeStream;
  changes: PlacedChange[];
  judged: Judged[];
  messages: string[];
  /** It has come back, and changes from here on may not have been judged for it before the next step. */
  behind: number | undefined;
  /** How often it was told that its sight has changed. */
  turns: number;
  /** How many of its changes, and turns, are settled. */
  settled: { changes: number; turns: number };
  cursor: string;
}

/** What each change may come to, in any of the worlds in which it may have been judged. */
export const choicesOf = (one: Listening): Choices[] => one.changes.map((_, at) => judge(one, at).choices);

/** Whether one of the changes that are not settled yet has changed a listener's sight, in whichever world it was judged. */
export const mustTurn = (one: Listening): boolean =>
  one.changes.some((_, at) => {
    if (at < one.settled.changes) return false;
    const { turns } = judge(one, at);
    return turns.length > 0 && !turns.includes(false);
  });

function judge(one: Listening, at: number): Judged {
  const by = `${one.changes[at]!.worlds.length} ${one.changes.length}`;
  const known = one.judged[at];
  if (known?.by === by) return known;
  const turns = turnsIn(one, at);
  const judged = { by, turns, choices: choicesIn(one, at, turns.includes(true)) };
  one.judged[at] = judged;
  return judged;
}

/** @param isTurn it changes the sight of everything, which may be told alone */
function choicesIn({ asked, subscriber, changes }: Listening, at: number, isTurn: boolean): Choices {
  const { change, together, worlds } = changes[at]!;
  if (change.model !== askings[asked.asking]!.model) return new Set([null]);
  const all = worlds.map((now) => {
    const told = tellChange(subscriber, change, now, withDeleted(now, together));
    return told && (!asked.events || asked.events.includes(told.type)) ? spell(told) : null;
  });
  return new Set(isTurn ? [...all, null] : all);
}

/** Whether a change has let rows in or out of a listener's sight, in each of the worlds in which that was judged. */
function turnsIn({ subscriber, asked, changes }: Listening, at: number): boolean[] {
  const { model } = askings[asked.asking]!;
  const { change, worlds } = changes[at]!;
  const since = changes.slice(at + 1).flatMap((later) => {
    const { before, after, transaction } = later.change;
    if (later.change.model !== model || (before !== null && after !== null)) return [];
    return after === null && transaction === change.transaction ? [] : [later.change];
  });
  return worlds.map((now) => changesSight(subscriber, model, change, now, since));
}

/** A message as text; what has no order of its own has one here. */
export function spell({ type, reason, key, node, previous, changedFields }: Told): string {
  return JSON.stringify({
    type,
    reason,
    key,
    node,
    previous,
    changedFields: changedFields && [...changedFields].sort(),
  });
}
