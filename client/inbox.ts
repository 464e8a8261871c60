import type { Sink } from 'graphql-ws';
import { asError } from './failures.ts';

/** Results of one subscription, taken one after another. */
export interface Inbox<Result> {
  /** The next result; undefined at the end. @throws what the subscription failed with, behind the results before it */
  take(): Promise<Result | undefined>;
  /** Stops the subscription; what has not been taken is dropped. */
  close(): void;
}

/** Subscribes, and holds up to `limit` results; at the limit it stops, and ends with what it holds. */
export function openInbox<Result>(
  subscribe: (sink: Sink<Result>) => () => void,
  limit = Number.POSITIVE_INFINITY,
): Inbox<Result> {
  let results: Result[] = [];
  let isEnded = false;
  let failure: Error | undefined;
  let heard = () => {};
  let stop: (() => void) | undefined;
  const end = (why?: Error) => {
    if (isEnded) return;
    isEnded = true;
    failure = why;
    stop?.();
    heard();
  };
  stop = subscribe({
    next(result) {
      if (isEnded) return;
      results.push(result);
      if (results.length >= limit) end();
      else heard();
    },
    error: (error) => end(asError(error)),
    complete: () => end(),
  });
  if (isEnded) stop();
  return {
    async take() {
      while (results.length === 0 && !isEnded) {
        await new Promise<void>((resolve) => {
          heard = resolve;
        });
      }
      if (results.length === 0 && failure) throw failure;
      return results.shift();
    },
    close() {
      results = [];
      end();
    },
  };
}

/** An inbox as graphql-ws's `iterate` returns it: `return` ends it at once, also while a result is waited for. */
export function iterateInbox<Result>(inbox: Inbox<Result>): AsyncIterableIterator<Result> {
  const end = async (): Promise<IteratorResult<Result>> => {
    inbox.close();
    return { done: true, value: undefined };
  };
  return {
    async next() {
      const value = await inbox.take();
      return value === undefined ? { done: true, value } : { done: false, value };
    },
    return: end,
    throw: end,
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
