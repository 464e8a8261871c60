import type { Socket } from 'node:net';

/** Bytes that may wait to be sent on one connection before it is handed no more. */
const highWater = 64 * 1024;

/** The outgoing side of a connection: bounded, so that a client that does not read costs no more than its bound. */
export class Outgoing {
  private readonly socket: Socket;
  private readonly buffer: { readonly writableLength: number };
  /** What all who wait for room wait for. */
  private draining: Promise<void> | undefined;

  /** @param buffer what holds all that waits for the socket, where more than the socket does */
  constructor(socket: Socket, buffer: { readonly writableLength: number } = socket) {
    this.socket = socket;
    this.buffer = buffer;
  }

  /** Whether it takes more now. */
  hasRoom(): boolean {
    return this.buffer.writableLength <= highWater;
  }

  /** Writes bytes, each as one character, whether or not there is room. */
  write(bytes: string): void {
    this.socket.write(bytes, 'latin1');
  }

  /** Resolves when it takes more, or has ended. */
  drained(): Promise<void> {
    if (this.hasRoom() || this.socket.destroyed) return Promise.resolve();
    this.draining ??= this.drain().finally(() => (this.draining = undefined));
    return this.draining;
  }

  // @NOTE above the bound the socket's own buffer is over its mark too, so `drain` is still to come.
  private drain(): Promise<void> {
    const { socket } = this;
    return new Promise((resolve) => {
      const done = () => {
        socket.off('drain', done).off('close', done);
        resolve();
      };
      socket.on('drain', done).on('close', done);
    });
  }
}
