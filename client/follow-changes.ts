import { type DocumentNode, print } from 'graphql';
import { RefusedError } from './failures.ts';
import { openInbox } from './inbox.ts';
import { type ResumingOptions, resuming } from './resuming.ts';
import { type ChangeMessage, messageIn, type Result, type StreamClient } from './stream-client.ts';

/** Where an application keeps its place between its own runs. */
export interface CursorStore {
  load(): string | null | undefined | Promise<string | null | undefined>;
  save(cursor: string): void | Promise<void>;
}

/** Why what is held has to be read: there was no place to go on from (STARTED), or the server says so. */
export type ResyncReason = 'STARTED' | 'EXPIRED' | 'RESTARTED' | 'TRUNCATED' | 'PERMISSION' | 'FAILED';

/** A document that carries its types, as code generators write it: TypedDocumentNode, TypedDocumentString. */
export interface TypedDocument<Data, Variables> {
  __apiType?: (variables: Variables) => Data;
}

type Message<Data> = Extract<Data[keyof Data], ChangeMessage>;
type Marker = 'CHECKPOINT' | 'RESYNC';

/** A change of a row, as the document selects it. */
export type RowChange<Data> = Message<Data> & { readonly type: Exclude<Message<Data>['type'], Marker> };

type Given<Variables> =
  Record<never, never> extends Omit<Variables, 'after'>
    ? { variables?: Omit<Variables, 'after'> }
    : { variables: Omit<Variables, 'after'> };

/** What is followed, and how. */
export type FollowOptions<Data, Variables> = Following<Data, Variables> & Given<Variables>;

interface Following<Data, Variables> extends ResumingOptions {
  /** A subscription to the changes of a model that selects `type` and `cursor`, and gives `$after` to `after`. */
  query: string | TypedDocument<Data, Variables>;
  /** Keeps the place; without one each run begins anew. */
  store?: CursorStore;
  /**
   * Reads anew what the application holds: at the first start, and where the stream has a hole. It is waited for; changes that
   * come meanwhile follow, and may tell again what it has read already.
   */
  onResync: (reason: ResyncReason | undefined) => void | Promise<void>;
  /** Ends the iteration. */
  signal?: AbortSignal;
  /** Messages held for a loop that is slow, 1,000 unless given; beyond it the stream is left, and resumed when they are done. */
  limit?: number;
}

/**
 * The changes of a model, one after another, for as long as the loop lasts: through cuts, restarts of the server, and, with a
 * store, of the application. A change counts as done, and its place is saved, when the loop asks for the next one: after
 * `break` or a throw the last is told again. Takes any client of streams; it need not be resuming.
 * @throws RefusedError when the server refuses the operation
 */
export async function* followChanges<
  Data extends Partial<Record<keyof Data, ChangeMessage | string>>,
  Variables = Record<string, unknown>,
>(client: StreamClient, options: FollowOptions<Data, Variables>): AsyncGenerator<RowChange<Data>, void, undefined> {
  const { store, onResync, signal, afterVariable = 'after', limit = 1000 } = options;
  const steady = resuming(client, options);
  const query = textOf(options.query);
  let cursor = (await store?.load()) ?? undefined;
  let pending: ResyncReason | undefined = cursor === undefined ? 'STARTED' : undefined;
  while (!signal?.aborted) {
    const variables = { ...options.variables, ...(cursor === undefined ? {} : { [afterVariable]: cursor }) };
    const inbox = openInbox<Result>((sink) => steady.subscribe({ query, variables }, sink), limit);
    signal?.addEventListener('abort', inbox.close);
    try {
      for (let result = await inbox.take(); result; result = await inbox.take()) {
        const message = readMessage(result);
        if (pending || message.type === 'RESYNC') await onResync(pending ?? message.reason);
        else if (message.type !== 'CHECKPOINT') yield message as unknown as RowChange<Data>;
        pending = undefined;
        cursor = message.cursor;
        await store?.save(cursor);
      }
    } catch (error) {
      if (cursor === undefined || !isUnreadable(error, 'after')) throw error;
      // The cursor is another installation's, or of before its keys were changed: as good as none.
      cursor = undefined;
      pending = 'RESTARTED';
    } finally {
      signal?.removeEventListener('abort', inbox.close);
      inbox.close();
    }
  }
}

function readMessage(result: Result): ChangeMessage & { reason?: ResyncReason } {
  const message = messageIn(result);
  if (message && 'type' in message) return message as ChangeMessage;
  if (result.errors) throw new RefusedError(result.errors);
  throw new TypeError('to follow changes, select `type` and `cursor`');
}

const isUnreadable = (error: unknown, argument: string): boolean =>
  error instanceof RefusedError &&
  error.errors.some(({ extensions }) => {
    const fields = extensions?.fields as { path: string }[] | undefined;
    return extensions?.code === 'INVALID_INPUT' && fields?.some(({ path }) => path === argument);
  });

const textOf = (query: unknown): string =>
  typeof query === 'string' || query instanceof String ? String(query) : print(query as DocumentNode);
