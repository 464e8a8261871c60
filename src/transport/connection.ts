import type { Socket } from 'node:net';

/** Bytes that may wait to be sent on one connection before it is handed no more. */
const highWater = 64 * 1024;

/** The outgoing side of a connection: bounded, so that a client that does not read costs no more than its bound. */
export interface Outgoing {
  /** Whether it takes more now. */
  hasRoom(): boolean;
  /** Resolves when it takes more, or has ended. */
  drained(): Promise<void>;
  /** Sends what `write` writes in one go. */
  together(write: () => void): void;
}

/** Watches the outgoing side of a socket; `buffered` tells the bytes that wait above it. */
export function watchOutgoing(socket: Socket, buffered: () => number = () => socket.writableLength): Outgoing {
  const hasRoom = () => buffered() <= highWater;
  return {
    hasRoom,
    drained: () =>
      new Promise((resolve) => {
        if (hasRoom() || socket.destroyed) return resolve();
        const done = () => {
          socket.off('drain', done).off('close', done);
          resolve();
        };
        // @NOTE above the bound the socket's own buffer is over its mark too, so `drain` is still to come.
        socket.on('drain', done).on('close', done);
      }),
    together(write) {
      socket.cork();
      try {
        write();
      } finally {
        process.nextTick(() => socket.uncork());
      }
    },
  };
}
