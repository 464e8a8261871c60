import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { TestServer } from './server.ts';

/** Results of one operation, as they come. */
export interface ChangeStream {
  // biome-ignore lint/suspicious/noExplicitAny: a test asks for what it expects; a wrong guess fails the test
  next(within?: number): Promise<any>;
  /** Results that have come and were not asked for yet. */
  readonly waiting: unknown[];
  stop(): void;
}

/** A client of the API on a WebSocket. */
export interface SocketClient extends AsyncDisposable {
  /** The data of each result; one with errors is thrown. */
  subscribe(query: string, variables?: Record<string, unknown>): ChangeStream;
  /** The results as they are. */
  results(query: string, variables?: Record<string, unknown>): ChangeStream;
}

/** Opens a WebSocket as somebody with these claims, or by this token; without claims as a stranger. */
export async function openSocket(
  server: TestServer,
  claims?: { sub?: string; role?: string; expiresIn?: number; token?: string },
): Promise<SocketClient> {
  const token = claims && (claims.token ?? (await server.server.tokens.mint!(claims)));
  const client = createClient({
    url: `${server.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    connectionParams: token ? { authorization: `Bearer ${token}` } : {},
  });
  const open =
    (isWhole: boolean): SocketClient['subscribe'] =>
    (query, variables) => {
      const results: unknown[] = [];
      let heard = () => {};
      let failure: unknown;
      const stop = client.subscribe(
        { query, variables },
        {
          next(result) {
            results.push(result);
            heard();
          },
          error(error) {
            failure = error;
            heard();
          },
          complete() {
            failure ??= new Error('the stream has ended');
            heard();
          },
        },
      );
      return {
        waiting: results,
        stop,
        async next(within = 5000) {
          const deadline = Date.now() + within;
          while (results.length === 0) {
            if (failure) throw failure;
            if (Date.now() > deadline) throw new Error(`nothing came within ${within} ms`);
            await new Promise<void>((resolve) => {
              heard = resolve;
              setTimeout(resolve, deadline - Date.now() + 1);
            });
          }
          const result = results.shift() as { data?: unknown; errors?: unknown };
          if (isWhole) return result;
          if (result.errors) throw Object.assign(new Error(JSON.stringify(result.errors)), { errors: result.errors });
          return result.data;
        },
      };
    };
  return {
    subscribe: open(false),
    results: open(true),
    [Symbol.asyncDispose]: async () => void (await client.dispose()),
  };
}
