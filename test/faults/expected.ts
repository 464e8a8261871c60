import type { Audience } from './audience.ts';
import { changedBetween, type Message, pack } from './messages.ts';
import type { Version } from './truth.ts';

/** A message that is due, and what it tells of. */
export interface Expected extends Message {
  of: Version;
}

/** All that an audience is to hear of one task, in order: computed of its committed versions, its rule and its filter. */
export function expectedOf(versions: readonly Version[], audience: Audience): Expected[] {
  const expected: Expected[] = [];
  versions.forEach((version, index) => {
    const message = messageOf(versions[index - 1], version, audience);
    if (message) expected.push({ ...message, of: version });
  });
  return expected;
}

/** What one change is to an audience; undefined when it is nothing. */
export function messageOf(before: Version | undefined, after: Version, audience: Audience): Message | undefined {
  const [old, now] = [before?.state, after.state];
  const matched = old !== undefined && audience.sees(old) && audience.filters(old);
  const seen = now !== undefined && audience.sees(now);
  const matches = now !== undefined && seen && audience.filters(now);
  const shown = {
    version: after.version,
    node: matches ? pack(now) : -1,
    previous: -1,
    changed: 0,
    reason: '' as const,
  };
  if (matched && matches) {
    return { ...shown, type: 'UPDATED', previous: pack(old), changed: changedBetween(old, now) };
  }
  if (matches) return { ...shown, type: before ? 'ENTERED' : 'CREATED' };
  if (!matched) return undefined;
  if (!now) return { ...shown, type: 'DELETED', previous: pack(old) };
  // What became of a row that is hidden now is nobody's business, not even that it has this version.
  if (!seen) return { ...shown, type: 'REMOVED', reason: 'HIDDEN', version: 0 };
  return { ...shown, type: 'REMOVED', reason: 'FILTERED', previous: pack(old) };
}
