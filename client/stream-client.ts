import type { FormattedExecutionResult, Sink, SubscribePayload } from 'graphql-ws';

/** Whatever can be subscribed to as graphql-ws's client can; `subscribe` returns how to stop. */
export interface StreamClient {
  subscribe<Data = Record<string, unknown>, Extensions = unknown>(
    payload: SubscribePayload,
    sink: Sink<FormattedExecutionResult<Data, Extensions>>,
  ): () => void;
}

/** One result of an operation, before anything is known of it. */
export type Result = FormattedExecutionResult<Record<string, unknown>, unknown>;

/** What can be read of a message about changes, whatever else was selected. */
export interface ChangeMessage {
  readonly type: string;
  readonly cursor: string;
}

/** The message in a result: the value of the root field that has a `cursor`, whatever its alias. */
export function messageIn(result: { data?: object | null }): { readonly cursor: string } | undefined {
  for (const value of Object.values(result.data ?? {}) as unknown[]) {
    if (typeof value === 'object' && value !== null && 'cursor' in value && typeof value.cursor === 'string') {
      return value as { cursor: string };
    }
  }
  return undefined;
}
