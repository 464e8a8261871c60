import type { ChangeStream } from './socket.ts';

/** One message of a stream of changes. */
// biome-ignore lint/suspicious/noExplicitAny: a test asks for what it expects; a wrong guess fails the test
export type Change = any;

/** The change in a result, whatever the field is called. */
const changeIn = (data: object): Change => Object.values(data)[0];

/** The next change of a stream. */
export const nextChange = async (stream: ChangeStream, within?: number): Promise<Change> =>
  changeIn(await stream.next(within));

/** Waits for the word with which a stream begins; returns its cursor. */
export async function begun(stream: ChangeStream): Promise<string> {
  const first = await nextChange(stream, 20_000);
  if (first.type !== 'CHECKPOINT') throw new Error(`the stream began with ${JSON.stringify(first)}`);
  return first.cursor;
}

/** Everything that comes up to, and without, the change for which `isLast` holds. */
export async function heardUntil(stream: ChangeStream, isLast: (change: Change) => boolean): Promise<Change[]> {
  const heard: Change[] = [];
  while (true) {
    const change = await nextChange(stream, 20_000);
    if (isLast(change)) return heard;
    if (change.type !== 'CHECKPOINT') heard.push(change);
  }
}
