import type { Logger } from '../log.ts';

/** Where a bus tells of a listener that failed, and of a message that it drops. */
export type BusLog = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;

/** A set of listeners, each shielded from the mistakes of the others. */
export interface Listeners<Args extends unknown[]> {
  /** Adds one, which is called until the returned function is; a function added twice is called twice. */
  add(listener: (...args: Args) => void): () => void;
  /** Calls those that are there now; what one throws or rejects with is logged. */
  call(...args: Args): void;
  readonly size: number;
}

/** Makes an empty set of listeners. */
export function createListeners<Args extends unknown[]>(log: BusLog | undefined): Listeners<Args> {
  const entries = new Set<{ listener: (...args: Args) => unknown }>();
  const complain = (err: unknown) => log?.error({ err }, 'a listener of the bus failed');
  return {
    add(listener) {
      const entry = { listener };
      entries.add(entry);
      return () => void entries.delete(entry);
    },
    call(...args) {
      for (const entry of [...entries]) {
        if (!entries.has(entry)) continue; // an earlier one took it out
        try {
          const result = entry.listener(...args);
          // An async function passes for a listener, and its rejection would end the process.
          if (result instanceof Promise) result.catch(complain);
        } catch (error) {
          complain(error);
        }
      }
    },
    get size() {
      return entries.size;
    },
  };
}

/** The listeners of each channel. */
export interface Channels {
  subscribe(channel: string, listener: (message: string) => void): () => void;
  deliver(channel: string, message: string): void;
  /** The channels that have listeners. */
  names(): string[];
}

/** Makes an empty table of channels, which tells when one gets its first listener and when it has lost its last. */
export function createChannels(
  log: BusLog | undefined,
  told: { opened?(channel: string): void; closed?(channel: string): void } = {},
): Channels {
  const channels = new Map<string, Listeners<[string]>>();
  return {
    subscribe(channel, listener) {
      const known = channels.get(channel);
      const listeners = known ?? createListeners<[string]>(log);
      if (!known) channels.set(channel, listeners);
      const remove = listeners.add(listener);
      if (!known) told.opened?.(channel);
      return () => {
        remove();
        if (listeners.size > 0 || channels.get(channel) !== listeners) return;
        channels.delete(channel);
        told.closed?.(channel);
      };
    },
    deliver: (channel, message) => channels.get(channel)?.call(message),
    names: () => [...channels.keys()],
  };
}
