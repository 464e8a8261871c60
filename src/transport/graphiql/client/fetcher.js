// Runs in the browser, as it stands here: how GraphiQL asks. What goes on answering comes over a WebSocket, of which a browser
// opens as many as it likes (of event streams it opens six, and then nothing else); everything else is one request.
(() => {
  const longestWait = 10_000;
  const closedInOrder = 1000;
  const closedAbnormally = 1006;
  const unauthenticated = 4401;

  /**
   * Makes GraphiQL's fetcher.
   * @param endpoint the API's address
   * @param headers sent with every request, beside those of the headers editor
   * @param viewer who is asked as where the headers editor does not say; may be absent
   * @param onState told that the operation that goes on answering is `live`, that its connection is `lost`, that it has `ended`
   */
  globalThis.createFetcher = ({ endpoint, headers, viewer, onState }) => {
    return (request, { headers: own } = {}) => {
      const kind = lastingKind(request.query, request.operationName);
      return kind ? follow(request, own ?? {}, kind === 'subscription') : ask(request, own ?? {});
    };

    async function ask(request, own) {
      const response = await fetch(endpoint, {
        method: 'POST',
        headers: {
          Accept: 'application/graphql-response+json, application/json',
          'Content-Type': 'application/json',
          ...headers,
          ...own,
        },
        body: JSON.stringify(request),
      });
      const text = await response.text();
      try {
        return JSON.parse(text);
      } catch {
        throw new Error(`The server answered ${response.status} ${response.statusText}, and no JSON.`);
      }
    }

    /** An observable, as GraphiQL takes it; a socket of its own for each, so that it has the token of its moment. */
    function follow(request, own, isSubscription) {
      return {
        subscribe(observer) {
          let isOver = false;
          let release = open(true);
          return {
            unsubscribe() {
              end();
              release();
            },
          };

          function end() {
            if (!isOver) onState('ended');
            isOver = true;
          }

          function open(mayRenew) {
            let isFirst = true;
            const client = clientFor(own, (state) => {
              // What was told before the connection was cut may be old.
              if (state === 'live') isFirst = true;
              if (!isOver) onState(state);
            });
            return client.subscribe(request, {
              next(result) {
                // A checkpoint would take the place of the change that is shown. The first one says that the stream has begun.
                if (isSubscription && !isFirst && isCheckpoint(result)) return;
                isFirst = false;
                observer.next(result);
              },
              error(error) {
                if (error?.code === unauthenticated && mayRenew && viewer?.forget()) {
                  release = open(false);
                  return;
                }
                end();
                observer.next({ errors: Array.isArray(error) ? error : [{ message: explain(error) }] });
                observer.complete();
              },
              complete() {
                end();
                observer.complete();
              },
            });
          }
        },
      };
    }

    function clientFor(own, tell) {
      let wasOpen = false;
      return globalThis.graphqlWs.createClient({
        url: endpoint.replace(/^http/, 'ws'),
        connectionParams: async () => ({ ...headers, ...own, ...(await viewer?.authorize(own)) }),
        // One that never opened will not open by being asked again; one that was cut (the server starts anew) will.
        shouldRetry: () => wasOpen,
        retryAttempts: Number.POSITIVE_INFINITY,
        retryWait: (retries) =>
          new Promise((resolve) => setTimeout(resolve, Math.min(500 * 2 ** retries, longestWait))),
        on: {
          connected() {
            wasOpen = true;
            tell('live');
          },
          closed: ({ code }) => code !== closedInOrder && wasOpen && tell('lost'),
        },
      });
    }
  };

  /** What kind of operation it is, if it goes on answering: a `subscription`, or a `query` with @live. */
  function lastingKind(document, name) {
    const operations = headsOf(document).filter((head) => !/^fragment\b/.test(head));
    const asked = name ? operations.find((head) => head.split(/[\s@]+/)[1] === name) : operations[0];
    if (/^subscription\b/.test(asked)) return 'subscription';
    return /^query\b.*@\s*live\b/s.test(asked) ? 'query' : undefined;
  }

  /** What stands before each selection at the document's root, without arguments: `query Tasks  @live`. */
  function headsOf(document) {
    const bare = document.replace(/"""(?:\\"""|[\s\S])*?"""|"(?:\\.|[^"\\\n])*"|#.*/g, ' ');
    const heads = [];
    let head = '';
    let depth = 0;
    for (const sign of bare) {
      if (depth === 0 && sign === '{') {
        heads.push(head.trim());
        head = '';
      }
      if ('{(['.includes(sign)) depth += 1;
      else if ('})]'.includes(sign)) depth -= 1;
      else if (depth === 0) head += sign;
    }
    return heads;
  }

  function isCheckpoint({ data }) {
    return Object.values(data ?? {}).some((field) => Object.values(field ?? {}).includes('CHECKPOINT'));
  }

  function explain(error) {
    if (error instanceof Error) return error.message;
    if (error?.code === closedAbnormally) return 'The WebSocket could not be opened, or was cut.';
    return `${error?.reason || 'The WebSocket was closed'} (${error?.code ?? 'unknown'})`;
  }
})();
