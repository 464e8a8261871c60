import type { GraphQLError } from 'graphql';

/**
 * A stream as the protocol's library sees it: it yields nothing, for its frames go to the socket by a shorter way, and it lasts
 * until either side ends it.
 */
export interface QuietStream extends AsyncGenerator<never, void, void> {
  /** Ends it from the server's side, in order or with an error. */
  end(error?: GraphQLError): void;
}

/** Makes a quiet stream; `onReturn` is called when the client ends it. */
export function createQuietStream(onReturn: () => void): QuietStream {
  let settle: { resolve(): void; reject(error: unknown): void } | undefined;
  const ended = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  ended.catch(() => {}); // it may end before anybody waits
  const done = { done: true as const, value: undefined };
  return {
    next: () => ended.then(() => done),
    return: async () => {
      onReturn();
      settle?.resolve();
      return done;
    },
    throw: async (error) => {
      settle?.reject(error);
      return done;
    },
    end: (error) => (error ? settle?.reject(error) : settle?.resolve()),
    [Symbol.asyncIterator]() {
      return this;
    },
    [Symbol.asyncDispose]: async () => {
      onReturn();
      settle?.resolve();
    },
  };
}
