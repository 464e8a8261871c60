/**
 * Change streams that outlive their connection.
 *
 * The newest cursor of each operation is remembered, and the operation's variables are a getter that puts it into `after`: a
 * client that sends the same payload again by itself (graphql-ws does) goes on from there, and so does every try of ours.
 */
import type { Sink, SubscribePayload } from 'graphql-ws';
import { iterateInbox, openInbox } from './inbox.ts';
import { keepOpen, type RetryOptions } from './keep-open.ts';
import { readOperation } from './operation.ts';
import { messageIn, type Result, type StreamClient } from './stream-client.ts';

/** How streams are resumed. */
export interface ResumingOptions extends RetryOptions {
  /** The variable that an operation gives to `after`; `after` unless given. */
  afterVariable?: string;
  /** Told once of each document whose streams cannot be resumed, and why; the console's unless given. */
  warn?: (message: string) => void;
}

/** Cursors that are remembered of each operation, to tell a result that comes twice. */
const remembered = 200;

/**
 * The same client, whose subscriptions to changes go on where they were when their connection is cut or the server stops:
 * every change once, in order. Live queries ask again; every other operation passes through untouched.
 */
export function resuming<Client extends StreamClient>(client: Client, options: ResumingOptions = {}): Client {
  const { afterVariable = 'after', warn = (message) => console.warn(message) } = options;
  const warned = new Set<string>();
  const warnOnce = (query: string, why: string) => {
    if (warned.has(query)) return;
    warned.add(query);
    warn(`This stream cannot be resumed after a cut: ${why}. Its document begins: ${query.trim().slice(0, 80)}`);
  };

  const follow = (payload: SubscribePayload, sink: Sink<Result>): (() => void) => {
    const passed = new Set<string>();
    let cursor: string | undefined;
    let isBlind = false;
    const resumable: SubscribePayload = {
      ...payload,
      get variables() {
        return cursor === undefined ? payload.variables : { ...payload.variables, [afterVariable]: cursor };
      },
    };
    const pass = (result: Result) => {
      const message = messageIn(result);
      if (message) {
        // @NOTE a RESYNC may stand where the last change stood, and must not be taken for it.
        if (passed.has(message.cursor) && !Object.values(message).includes('RESYNC')) return;
        cursor = message.cursor;
        passed.add(cursor);
        const [oldest] = passed;
        if (oldest !== undefined && passed.size > remembered) passed.delete(oldest);
      } else if (result.data && !isBlind) {
        isBlind = true;
        warnOnce(payload.query, 'select `cursor` of what the field tells');
      }
      sink.next(result);
    };
    return keepOpen<Result>(
      { ...bound(sink), next: pass },
      (next) => client.subscribe(resumable, next),
      () => !isBlind,
      options,
    );
  };
  const look = (payload: SubscribePayload, sink: Sink<Result>): (() => void) =>
    client.subscribe<Record<string, unknown>>(payload, {
      ...bound(sink),
      next(result) {
        if (messageIn(result)) {
          warnOnce(payload.query, `declare \`$${afterVariable}: String\` and give it to the field as \`after\``);
        }
        sink.next(result);
      },
    });
  const subscribe = (payload: SubscribePayload, sink: Sink<Result>): (() => void) => {
    const { type, variables, isLive } = readOperation(payload);
    if (isLive)
      return keepOpen<Result>(
        sink,
        (next) => client.subscribe(payload, next),
        () => true,
        options,
      );
    if (type !== 'subscription') return client.subscribe(payload, sink);
    return variables.has(afterVariable) ? follow(payload, sink) : look(payload, sink);
  };
  const iterate = (payload: SubscribePayload) => iterateInbox(openInbox<Result>((sink) => subscribe(payload, sink)));
  const own = new Map<string | symbol, unknown>([['subscribe', subscribe]]);
  if ('iterate' in client) own.set('iterate', iterate);
  return new Proxy(client, {
    get(target, name) {
      const value = own.get(name) ?? (Reflect.get(target, name) as unknown);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

const bound = (sink: Sink<Result>): Sink<Result> => ({
  next: (result) => sink.next(result),
  error: (error) => sink.error(error),
  complete: () => sink.complete(),
});
