/** What a change may come to for a subscriber: texts of messages, or null where it may be none. */
export type Choices = ReadonlySet<string | null>;

/** How far messages can be explained. */
export interface Explanation {
  /** Every message is some change's, in order, and no change that must be told is missing. */
  isWhole: boolean;
  /** No continuation can explain them: something was told that may not be, or is missing before something else. */
  isBroken: boolean;
  /** The first change at which no way goes on. */
  at: number;
  /** The first change by which every message may have been told. */
  toldBy: number;
}

/** Explains messages by changes: each is told as one of its choices, all in order. */
export function explain(changes: readonly Choices[], messages: readonly string[]): Explanation {
  let told = new Set([0]);
  let waiting: number | undefined;
  let toldBy = messages.length === 0 ? 0 : changes.length;
  for (const [at, choices] of changes.entries()) {
    const next = new Set<number>();
    for (const n of told) {
      if (choices.has(null)) next.add(n);
      const message = messages[n];
      if (message === undefined) {
        if (n === messages.length && [...choices].some((c) => c !== null)) waiting ??= at;
      } else if (choices.has(message)) next.add(n + 1);
    }
    if (next.size === 0) return { isWhole: false, isBroken: waiting === undefined, at: waiting ?? at, toldBy };
    told = next;
    if (told.has(messages.length)) toldBy = Math.min(toldBy, at + 1);
  }
  const isWhole = told.has(messages.length);
  return { isWhole, isBroken: !isWhole, at: changes.length, toldBy };
}
