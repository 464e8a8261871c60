/**
 * Holds what clients were told to what was committed. It knows the rules and filters of the audience and nothing of the
 * program that is tested.
 *
 * Terms: a message is *lost* when it was due and never came; *repeated* when it came twice; *out of order* when it came
 * behind a later version of its row, behind a change that began after it had been committed, or otherwise than another
 * client was told; *not permitted* when it shows what rule or filter hide; *wrong* when it says what was never committed.
 * A hole that was told (RESYNC) excuses what was committed before it came and not told to this client by what came later.
 */
import type { Audience } from './audience.ts';
import { type Expected, expectedOf } from './expected.ts';
import type { Message } from './messages.ts';
import type { Received, ReceivedMessage } from './received.ts';
import type { Truth, Version } from './truth.ts';

/** What came of comparing. */
export interface Verdict {
  delivered: number;
  lost: number;
  repeated: number;
  outOfOrder: number;
  notPermitted: number;
  wrong: number;
  /** Not told, and a hole said so. */
  excused: number;
  /** Not told, for the project had been deleted before it could be: then nobody may see its tasks, and only their end is told. */
  withheld: number;
  /** Holes that were told, and not in due number or for another reason. */
  badResyncs: number;
  examples: string[];
}

/** What a client was told, and what of it is told in which order by everybody. */
export interface Hearing {
  name: string;
  audience: Audience;
  received: Received;
}

/** What the checker has to know besides. */
export interface Circumstances {
  /** Whether a task's project was made to be deleted. */
  isDoomed: (id: string) => boolean;
  /** When each new epoch began: so many holes are due, and no other. */
  epochs: readonly number[];
}

const seconds = (at: number): string => `${(at / 1000).toFixed(2)} s`;

const emptyVerdict = (): Verdict => ({
  delivered: 0,
  lost: 0,
  repeated: 0,
  outOfOrder: 0,
  notPermitted: 0,
  wrong: 0,
  excused: 0,
  withheld: 0,
  badResyncs: 0,
  examples: [],
});

/** Checks every client; `onMatch` is told of each message with the version that it told. */
export function check(
  hearings: readonly Hearing[],
  truth: Truth,
  circumstances: Circumstances,
  onMatch: (hearing: Hearing, message: ReceivedMessage, version: Version) => void = () => {},
): Verdict {
  const verdict = emptyVerdict();
  const places = new Map<Version, number>();
  const due = new Map<Audience, Map<string, Expected[]>>();
  for (const { audience } of hearings) due.set(audience, new Map());
  // The one that was told most says in which order everybody is told.
  const ordered = [...hearings].sort((a, b) => b.received.count - a.received.count);
  ordered.forEach((hearing, index) => {
    const one = new HearingCheck({
      ...{ hearing, truth, circumstances, verdict },
      due: due.get(hearing.audience)!,
      places: index === 0 ? undefined : places,
    });
    one.run((message, version) => {
      if (index === 0) places.set(version, places.size);
      onMatch(hearing, message, version);
    });
  });
  return verdict;
}

/** How far one row has been told to one client. */
interface Progress {
  expected: Expected[];
  /** The first one that is still to come. */
  next: number;
  /** Number of the last message about the row; -1 before the first. */
  lastIndex: number;
  skipped: { expected: Expected; between: [number, number] }[];
}

interface CheckParts {
  hearing: Hearing;
  truth: Truth;
  circumstances: Circumstances;
  verdict: Verdict;
  /** What is due of each row, worked out once for all who ask for the same. */
  due: Map<string, Expected[]>;
  /** Where each version stands in the order of the client that was told most; undefined for that one. */
  places: ReadonlyMap<Version, number> | undefined;
}

class HearingCheck {
  private readonly hearing: Hearing;
  private readonly truth: Truth;
  private readonly circumstances: Circumstances;
  private readonly verdict: Verdict;
  private readonly due: Map<string, Expected[]>;
  private readonly places: ReadonlyMap<Version, number> | undefined;
  private readonly rows = new Map<string, Progress>();
  /** The latest beginning of what had been told before each message. */
  private readonly begunBefore: number[] = [];
  private latestBegin = Number.NEGATIVE_INFINITY;
  private lastPlace = -1;

  constructor({ hearing, truth, circumstances, verdict, due, places }: CheckParts) {
    this.hearing = hearing;
    this.truth = truth;
    this.circumstances = circumstances;
    this.verdict = verdict;
    this.due = due;
    this.places = places;
  }

  run(onMatch: (message: ReceivedMessage, version: Version) => void): void {
    const { received } = this.hearing;
    this.verdict.delivered += received.count;
    for (let index = 0; index < received.count; index += 1) {
      this.begunBefore.push(this.latestBegin);
      const message = received.get(index);
      const version = this.take(message, index);
      if (!version) continue;
      this.checkOrder(message, version);
      onMatch(message, version);
    }
    this.begunBefore.push(this.latestBegin);
    this.checkResyncs();
    for (const [id, versions] of this.truth.tasks) this.finish(id, this.progressOf(id, versions), received.count);
  }

  /** Finds what a message tells; undefined where it tells nothing that was due. */
  private take(message: ReceivedMessage, index: number): Version | undefined {
    const versions = this.truth.tasks.get(message.id);
    if (!versions) return this.note('wrong', message, 'of a row that was never committed');
    const row = this.progressOf(message.id, versions);
    const { expected } = row;
    const isIt = ({ of, version }: Expected) => (message.version ? of.version === message.version : version === 0);
    let at = row.next;
    while (at < expected.length && !isIt(expected[at]!)) at += 1;
    if (at === expected.length && message.version) at = expected.findIndex(isIt);
    const due = expected[at];
    if (!due) {
      const isShown = message.node >= 0 || message.previous >= 0;
      return this.note(isShown ? 'notPermitted' : 'wrong', message, 'is not for this client');
    }
    if (at < row.next) {
      const missed = row.skipped.findIndex((s) => s.expected === due);
      this.note(
        missed < 0 ? 'repeated' : 'outOfOrder',
        message,
        `came behind version ${expected[row.next - 1]!.of.version}`,
      );
      if (missed >= 0) row.skipped.splice(missed, 1);
      return undefined;
    }
    for (const skipped of expected.slice(row.next, at)) {
      row.skipped.push({ expected: skipped, between: [row.lastIndex, index] });
    }
    row.next = at + 1;
    row.lastIndex = index;
    const difference = differenceOf(message, due);
    if (difference) this.note(difference === 'node' ? 'notPermitted' : 'wrong', message, `differs in ${difference}`);
    return due.of;
  }

  private checkOrder(message: ReceivedMessage, version: Version): void {
    if (version.ackAt < this.latestBegin)
      this.note('outOfOrder', message, 'came behind what began after it was committed');
    this.latestBegin = Math.max(this.latestBegin, version.sentAt);
    const place = this.places?.get(version);
    if (place === undefined) return;
    if (place < this.lastPlace) this.note('outOfOrder', message, 'came otherwise than to another client');
    this.lastPlace = place;
  }

  private checkResyncs(): void {
    const { epochs } = this.circumstances;
    const { resyncs } = this.hearing.received;
    resyncs.forEach(({ reason, at }, index) => {
      const begun = epochs[index];
      if (reason === 'RESTARTED' && begun !== undefined && begun <= at) return;
      this.verdict.badResyncs += 1;
      this.example(`an undue RESYNC ${reason}`);
    });
    if (resyncs.length >= epochs.length) return;
    this.verdict.badResyncs += epochs.length - resyncs.length;
    this.example(`${epochs.length} epochs began, and ${resyncs.length} RESYNCs came`);
  }

  private finish(id: string, row: Progress, count: number): void {
    const missing = [
      ...row.skipped,
      ...row.expected.slice(row.next).map((expected) => ({ expected, between: [row.lastIndex, count] as const })),
    ];
    for (const { expected, between } of missing) {
      if (this.isExcused(expected.of, between)) this.verdict.excused += 1;
      else if (this.circumstances.isDoomed(id) && expected.type !== 'DELETED') this.verdict.withheld += 1;
      else {
        this.verdict.lost += 1;
        this.example(
          `${expected.type} of version ${expected.of.version} of ${id} is lost: sent at ${seconds(expected.of.sentAt)}, committed at ${seconds(expected.of.ackAt)}`,
        );
      }
    }
  }

  /** Whether a hole that was told here may hold it. */
  private isExcused({ ackAt, committingAt }: Version, [after, before]: readonly [number, number]): boolean {
    return this.hearing.received.resyncs.slice(0, this.circumstances.epochs.length).some((hole) => {
      const isHere = after < hole.before && hole.before <= before;
      return isHere && committingAt < hole.at && ackAt >= this.begunBefore[hole.before]!;
    });
  }

  private progressOf(id: string, versions: readonly Version[]): Progress {
    const known = this.rows.get(id);
    if (known) return known;
    const expected = this.due.get(id) ?? expectedOf(versions, this.hearing.audience);
    this.due.set(id, expected);
    const made: Progress = { expected, next: 0, lastIndex: -1, skipped: [] };
    this.rows.set(id, made);
    return made;
  }

  private note(
    kind: 'wrong' | 'repeated' | 'outOfOrder' | 'notPermitted',
    message: ReceivedMessage,
    why: string,
  ): undefined {
    this.verdict[kind] += 1;
    this.example(`${message.type} of version ${message.version || '?'} of ${message.id} ${why}`);
  }

  private example(text: string): void {
    if (this.verdict.examples.length < 20) this.verdict.examples.push(`${this.hearing.name}: ${text}`);
  }
}

/** What a message says otherwise than it should; the row that it shows first. */
function differenceOf(message: Message, due: Expected): keyof Message | undefined {
  const parts = ['node', 'type', 'reason', 'previous', 'changed'] as const;
  return parts.find((part) => message[part] !== due[part]);
}
