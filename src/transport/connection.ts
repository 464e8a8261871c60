import type { Socket } from 'node:net';
import type { Frame } from '../live/frame.ts';

/** What holds bytes until the other end takes them. */
export interface Waiting {
  /** How many it holds. */
  readonly writableLength: number;
}

/** Characters that are written in one go, at most, beyond one frame. */
const largestWrite = 64 * 1024;

/** Milliseconds in which a client may take what is ended, before it is cut off. */
export const leaveWithin = 5000;

/** Bytes that may wait to be sent on one connection before it is handed no more. */
const highWater = 64 * 1024;

/** Whether a connection takes more now: bounded, so that a client that does not read costs no more than its bound. */
export const hasRoom = ({ writableLength }: Waiting): boolean => writableLength <= highWater;

/**
 * Writes frames while a connection takes more, several in one go; returns how many it took.
 * @param spell a frame as it travels, each byte as one character
 */
export function writeFrames(
  to: Waiting & { write(text: string, encoding: 'latin1'): unknown },
  frames: readonly Frame[],
  spell: (frame: Frame) => string,
): number {
  let sent = 0;
  while (sent < frames.length && hasRoom(to)) {
    let text = '';
    do text += spell(frames[sent++]!);
    while (sent < frames.length && text.length < largestWrite);
    to.write(text, 'latin1');
  }
  return sent;
}

/**
 * Resolves when a connection takes more, or has ended.
 * @param waiting what holds all that waits for the socket, where more than the socket does
 */
export function drained(socket: Socket, waiting: Waiting = socket): Promise<void> {
  return new Promise((resolve) => {
    if (hasRoom(waiting) || socket.destroyed) return resolve();
    const done = () => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    // @NOTE above the bound the socket's own buffer is over its mark too, so `drain` is still to come.
    socket.on('drain', done).on('close', done);
  });
}
