/** An event stream as it was received. */
export interface EventStream extends AsyncDisposable {
  response: Response;
  /** The next event that is no comment. */
  // biome-ignore lint/suspicious/noExplicitAny: a test asks for what it expects; a wrong guess fails the test
  next(within?: number): Promise<{ event: string; id: string | undefined; data: any }>;
}

/** Asks for events. */
export async function openEventStream(
  url: string,
  init: RequestInit & { headers?: Record<string, string> },
): Promise<EventStream> {
  const aborted = new AbortController();
  const response = await fetch(url, {
    ...init,
    headers: { accept: 'text/event-stream', 'content-type': 'application/json', ...init.headers },
    signal: aborted.signal,
  });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  return {
    response,
    async next(within = 3000) {
      const late = new Promise<never>((_, reject) => {
        setTimeout(() => reject(new Error(`no event came within ${within} ms`)), within).unref();
      });
      late.catch(() => {}); // an event that has come already does not wait for it
      while (true) {
        const end = text.indexOf('\n\n');
        if (end >= 0) {
          const block = text.slice(0, end);
          text = text.slice(end + 2);
          const lines = block.split('\n');
          const of = (name: string) =>
            lines.filter((l) => l.startsWith(`${name}:`)).map((l) => l.slice(name.length + 1).trim());
          if (of('event').length === 0) continue;
          const data = of('data').join('\n');
          return { event: of('event')[0]!, id: of('id')[0], data: data ? JSON.parse(data) : undefined };
        }
        const { value, done } = await Promise.race([reader.read(), late]);
        if (done) throw new Error('the stream has ended');
        text += value;
      }
    },
    async [Symbol.asyncDispose]() {
      aborted.abort();
    },
  };
}
