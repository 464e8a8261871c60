import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GraphQLSchema } from 'graphql';
import { type Asset, createAssetStore } from './assets.ts';
import { type ExampleQuery, exampleQueries } from './examples.ts';
import { contentSecurityPolicy, type Page, renderPage } from './page.ts';
import { commonHeaders, headerOf, isKnown, sendAsset, sendJson, sendText } from './send.ts';
import { answerSuggestions, answerViewAs, isLocal, refuse, refuseViewAs, type ViewAs } from './view-as.ts';

/** What the page is made of. */
export interface GraphiqlOptions {
  /** Path of the GraphQL endpoint, where the page is too, such as `/graphql`. */
  endpoint: string;
  title: string;
  /** The schema as it is now; asked at every page, for the examples. */
  schema: () => GraphQLSchema;
  /** The tabs the page opens with; made from the schema when absent. */
  examples?: (schema: GraphQLSchema, options: { viewAs: boolean }) => ExampleQuery[];
  /** Where compressed files are kept across starts, in a folder `graphiql`; memory only when absent. */
  cacheDirectory?: string;
  /** Lets a developer on this machine ask as anybody. */
  viewAs?: ViewAs;
  /** Headers the page sends with every request, such as one that a CSRF check asks for. */
  headers?: Record<string, string>;
  /** Told of what went wrong inside, which the browser is not told; nobody is when absent. */
  onError?: (error: unknown) => void;
}

/** GraphiQL on an endpoint. */
export interface Graphiql {
  /**
   * Answers the request when it is the page's (a browser's GET of the endpoint without a query, an asset, view-as) and says so;
   * touches nothing otherwise. The answer may still be under way when it returns.
   */
  handle(request: IncomingMessage, response: ServerResponse): boolean;
  /** Lets go of everything it keeps. */
  close(): void;
}

/** Makes GraphiQL for an endpoint; does no work until a browser comes. */
export function createGraphiql(options: GraphiqlOptions): Graphiql {
  const { endpoint, viewAs } = options;
  const store = createAssetStore(options.cacheDirectory);
  let pages = new Map<boolean, { schema: GraphQLSchema; page: Page }>();

  const report = options.onError ?? (() => {});

  // A courtesy: without them the page is still of use.
  function examples(schema: GraphQLSchema, mayViewAs: boolean): ExampleQuery[] {
    try {
      return (options.examples ?? exampleQueries)(schema, { viewAs: mayViewAs });
    } catch (error) {
      report(error);
      return [];
    }
  }

  async function page(mayViewAs: boolean): Promise<Page> {
    const assets = await store.list();
    const schema = options.schema();
    const known = pages.get(mayViewAs);
    if (known?.schema === schema) return known.page;
    const config = {
      title: options.title,
      examples: examples(schema, mayViewAs),
      headers: options.headers ?? {},
      viewAs: mayViewAs ? { initial: viewAs?.initial ?? null } : null,
    };
    const made = renderPage(config, endpoint, assets);
    pages.set(mayViewAs, { schema, page: made });
    return made;
  }

  async function sendPage(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { html, etag } = await page(viewAs !== undefined && isLocal(request));
    const headers = {
      ...commonHeaders,
      'Content-Security-Policy': contentSecurityPolicy,
      'Cross-Origin-Opener-Policy': 'same-origin',
      // What it offers depends on who asks; and a new schema has new examples.
      'Cache-Control': 'private, no-cache',
      Vary: 'Accept',
      ETag: etag,
    };
    if (isKnown(request, etag)) {
      response.writeHead(304, headers).end();
      return;
    }
    response
      .writeHead(200, { ...headers, 'Content-Type': 'text/html; charset=utf-8', 'Content-Length': html.length })
      .end(request.method === 'HEAD' ? undefined : html);
  }

  async function sendFile(request: IncomingMessage, response: ServerResponse, file: string): Promise<void> {
    if (!isRead(request)) return sendText(response, 405, 'Use GET.', { Allow: 'GET, HEAD' });
    // Names are looked up, never opened: there is no path to climb out of.
    const asset: Asset | undefined = [...(await store.list()).values()].find((each) => each.file === file);
    if (!asset) return sendText(response, 404, 'Not found.', { 'Cache-Control': 'no-store' });
    await sendAsset(request, response, asset, store);
  }

  function route(request: IncomingMessage, response: ServerResponse): Promise<void> | undefined {
    // @NOTE split, not parsed: a URL parser would resolve `..` and the path that came would no longer be seen.
    const [path = '', query = ''] = (request.url ?? '').split('?', 2);
    if (path === endpoint) {
      const wantsPage = isRead(request) && headerOf(request, 'accept')?.includes('text/html');
      return wantsPage && !new URLSearchParams(query).has('query') ? sendPage(request, response) : undefined;
    }
    if (path.startsWith(`${endpoint}/assets/`)) return sendFile(request, response, path.slice(endpoint.length + 8));
    if (!viewAs || (path !== `${endpoint}/view-as` && path !== `${endpoint}/view-as/suggestions`)) return undefined;
    const refusal = refuseViewAs(request);
    if (refusal) return Promise.resolve(refuse(response, refusal));
    return path.endsWith('/suggestions')
      ? answerSuggestions(response, viewAs)
      : answerViewAs(request, response, viewAs);
  }

  return {
    handle(request, response) {
      const answer = route(request, response);
      answer?.catch((error) => {
        report(error);
        if (response.headersSent) response.destroy();
        else sendJson(response, 500, { error: 'Something went wrong on the server; its log says what.' });
      });
      return answer !== undefined;
    },
    close() {
      pages = new Map();
    },
  };
}

function isRead(request: IncomingMessage): boolean {
  return request.method === 'GET' || request.method === 'HEAD';
}
