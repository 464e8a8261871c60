import type { Socket } from 'node:net';

/** What holds bytes until the other end takes them. */
export interface Waiting {
  /** How many it holds. */
  readonly writableLength: number;
}

/** Bytes that may wait to be sent on one connection before it is handed no more. */
const highWater = 64 * 1024;

/** Whether a connection takes more now: bounded, so that a client that does not read costs no more than its bound. */
export const hasRoom = ({ writableLength }: Waiting): boolean => writableLength <= highWater;

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
