/** Carries hints between the nodes of one installation. A message may be lost, never altered; those of one publisher arrive in their order, each at most once. */
export interface Bus extends AsyncDisposable {
  /**
   * Sends to every listener of the channel on every node, this one included, later and never within the call; never
   * throws and never waits: what cannot be sent now is lost, and so is what `isCarriable` denies.
   */
  publish(channel: string, message: string): void;
  /** Listens until the returned function is called; what other nodes publish is heard from a moment after the call. */
  subscribe(channel: string, listener: (message: string) => void): () => void;
  /** Called whenever messages may have been missed: after every (re)connection. Returns the way to stop. */
  onGap(listener: () => void): () => void;
  /** Resolves while messages can be carried; rejects when not (for /ready). */
  ping(): Promise<void>;
}

/** The largest message that is carried, in bytes of UTF-8. */
export const maxMessageBytes = 1_000_000;

/** Whether a bus takes this message: not above `maxMessageBytes`, and without lone surrogates, which UTF-8 would alter. */
export function isCarriable(message: string): boolean {
  return Buffer.byteLength(message) <= maxMessageBytes && !/\p{Surrogate}/u.test(message);
}
