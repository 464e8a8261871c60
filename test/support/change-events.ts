import type { TestServer } from './server.ts';
import type { ChangeStream } from './socket.ts';

/** Subscribes over server-sent events, as somebody with these claims; without claims as a stranger. */
export async function openEvents(
  server: TestServer,
  claims: { sub?: string; role?: string } | undefined,
  query: string,
  variables?: Record<string, unknown>,
): Promise<ChangeStream> {
  const token = claims && (await server.server.tokens.mint!(claims));
  const leaving = new AbortController();
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    signal: leaving.signal,
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      ...(token ? { authorization: `Bearer ${token}` } : {}),
    },
    body: JSON.stringify({ query, variables }),
  });
  if (response.status !== 200) throw new Error(await response.text());
  const waiting: unknown[] = [];
  let heard = () => {};
  const reading = (async () => {
    const decoder = new TextDecoder();
    let text = '';
    for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += decoder.decode(part, { stream: true });
      const events = text.split('\n\n');
      text = events.pop()!;
      for (const event of events) {
        if (!/^event: next$/m.test(event)) continue;
        const lines = [...event.matchAll(/^data: (.*)$/gm)].map(([, line]) => line);
        waiting.push(JSON.parse(lines.join('\n')));
      }
      heard();
    }
  })().catch(() => {});
  return {
    waiting,
    stop: () => leaving.abort(),
    async next(within = 5000) {
      const deadline = Date.now() + within;
      while (waiting.length === 0) {
        if (Date.now() > deadline) throw new Error(`nothing came within ${within} ms`);
        await Promise.race([
          reading.then(() => Promise.reject(new Error('the stream has ended'))),
          new Promise<void>((resolve) => {
            heard = resolve;
            setTimeout(resolve, deadline - Date.now() + 1);
          }),
        ]);
      }
      const result = waiting.shift() as { data?: unknown; errors?: unknown };
      if (result.errors) throw new Error(JSON.stringify(result.errors));
      return result.data;
    },
  };
}
