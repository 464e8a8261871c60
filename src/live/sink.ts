import { setTimeout as sleep } from 'node:timers/promises';
import type { GraphQLError } from 'graphql';
import type { LogPosition } from '../log/entry.ts';
import type { Frame } from './frame.ts';

/** The client's end of one stream; a transport makes it. */
export interface Sink {
  /** Sends frames in one go; returns how many it took. Fewer than all when the connection holds as much unsent as it may. */
  send(frames: readonly Frame[]): number;
  /** Resolves when there is room for more, or the connection has ended. */
  drained(): Promise<void>;
  /** Ends the stream with the errors that say why. */
  end(errors: readonly GraphQLError[]): void;
  /** This side goes: the client is to come back and go on. */
  leave(): void;
  /** Cuts off a client that has not read for too long, with a reason that it can resume from. */
  cutOff(): void;
}

/** Waits until a sink takes more; false when it does not within so many milliseconds. */
export async function hasRoomWithin(sink: Sink, time: number): Promise<boolean> {
  const patient = new AbortController();
  const late = sleep(time, false, { signal: patient.signal, ref: false }).catch(() => false);
  const isInTime = await Promise.race([sink.drained().then(() => true), late]);
  patient.abort();
  return isInTime;
}

/** How long a client may leave what it was sent unread before it is cut off, in milliseconds. */
export const patience = 30_000;

/** A stream that is open. */
export interface Stream {
  /** How far it has told the log: where another one can go on; undefined for one that keeps no place. */
  readonly place: LogPosition | undefined;
  /** The client has gone, or wants no more. Calling it again does nothing. */
  close(): void;
}

/** What was being opened when the engine went: nothing would ever be told of it, so the client is sent to the one that came. */
export function turnAway(sink: Sink): Stream {
  sink.leave();
  return { place: undefined, close() {} };
}
