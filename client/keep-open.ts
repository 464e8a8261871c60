import type { Sink } from 'graphql-ws';
import { outlookOf } from './failures.ts';

/** How long and how often to try again. */
export interface RetryOptions {
  /** The first wait in milliseconds, 500 unless given; it doubles with each failure in a row, and is cut by up to a half at random. */
  firstWait?: number;
  /** The longest wait in milliseconds, 30,000 unless given. */
  longestWait?: number;
  /** Failures in a row after which to give up; none unless given. */
  attempts?: number;
  /** Told of every cut, and of the milliseconds until the next try: an application may show that it is offline. */
  onCut?: (reason: unknown, wait: number) => void;
}

/**
 * Keeps one operation open: when it is cut, it is opened again, until it is stopped, fails for good, or `goesOn` says no.
 * What the sink throws ends it too, as it would be thrown again at every try.
 * @param goesOn asked at the end of each connection, whether it ended in order or was cut
 */
export function keepOpen<Result>(
  sink: Sink<Result>,
  open: (sink: Sink<Result>) => () => void,
  goesOn: (how: 'ended' | 'cut') => boolean,
  options: RetryOptions = {},
): () => void {
  const { firstWait = 500, longestWait = 30_000, attempts = Number.POSITIVE_INFINITY, onCut } = options;
  let isDone = false;
  let failures = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let close = () => {};

  const finish = (tell: () => void) => {
    if (isDone) return;
    isDone = true;
    clearTimeout(timer);
    close();
    tell();
  };
  const again = (reason: unknown, atLeast: number) => {
    const longest = Math.min(longestWait, firstWait * 2 ** failures);
    const wait = Math.max(atLeast, longest * (1 - Math.random() / 2));
    failures += 1;
    timer = setTimeout(start, wait);
    onCut?.(reason, wait);
  };
  const start = () => {
    let isOpen = true;
    let isLetIn = false;
    let stop: (() => void) | undefined;
    const ended = () => {
      isOpen = false;
      // @NOTE also after a failure: graphql-ws counts an operation that failed as one that holds the socket open.
      stop?.();
    };
    stop = open({
      next(result) {
        if (!isOpen || isDone) return;
        isLetIn = true;
        failures = 0;
        try {
          sink.next(result);
        } catch (error) {
          finish(() => sink.error(error));
        }
      },
      error(failure) {
        if (!isOpen || isDone) return;
        ended();
        const { tryAgain, wait } = outlookOf(failure);
        const mayPass = tryAgain === 'always' || (tryAgain === 'once let in' && isLetIn);
        if (mayPass && failures < attempts && goesOn('cut')) again(failure, wait);
        else finish(() => sink.error(failure));
      },
      complete() {
        if (!isOpen || isDone) return;
        ended();
        if (failures < attempts && goesOn('ended')) again(undefined, 0);
        else finish(() => sink.complete());
      },
    });
    // It may have ended already, before it was known how to stop it.
    if (isOpen && !isDone) close = stop;
    else stop();
  };
  start();
  return () => finish(() => sink.complete());
}
