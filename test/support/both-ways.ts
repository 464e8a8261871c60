import { request } from 'node:http';
import type { Lane } from '../../src/graphql/lane.ts';
import { startServer, type TestServer, type TestServerOptions } from './server.ts';

/** A request as it goes over the wire. */
export interface WireRequest {
  method?: string;
  /** `/graphql` unless said. */
  path?: string;
  headers?: Record<string, string | string[]>;
  body?: string;
  /** Whose token is sent; nobody's unless said. */
  as?: { sub?: string; role?: string; expiresIn?: number };
}

/** All of an answer but its date, and places in the log, which goes on between two questions. */
export interface WireAnswer {
  status: string;
  headers: string[];
  body: string;
}

/** One application twice on one database: in front of Yoga, and without. */
export interface BothWays extends AsyncDisposable {
  laned: TestServer;
  plain: TestServer;
  /** How many answers the lane has given. */
  readonly answered: number;
  /** How many answers of the plain server the lane would have learned from. */
  readonly planned: number;
  /** The answers of both. */
  ask(asked: WireRequest): Promise<{ laned: WireAnswer; plain: WireAnswer }>;
}

/** Starts both servers; `databaseUrl` is the same for both. */
export async function startBothWays(options: TestServerOptions & { databaseUrl: string }): Promise<BothWays> {
  let answered = 0;
  let planned = 0;
  const counting = (own: Lane): Lane => ({
    ...own,
    async answer(...asked) {
      const answer = await own.answer(...asked);
      if (answer) answered += 1;
      return answer;
    },
  });
  const closed = (): Lane => ({
    answer: async () => undefined,
    learn() {
      planned += 1;
    },
  });
  const laned = await startServer({ ...options, lane: counting });
  const plain = await startServer({ ...options, lane: closed });
  const tokens = new Map<string, Promise<string>>();
  const send = async (server: TestServer, { as, headers, ...asked }: WireRequest) => {
    const key = `${server.url} ${JSON.stringify(as)}`;
    const token = as && (tokens.get(key) ?? server.server.tokens.mint!(as));
    if (token) tokens.set(key, token);
    return exchange(server.url, {
      ...asked,
      headers: { ...(token && { authorization: `Bearer ${await token}` }), ...headers },
    });
  };
  return {
    laned,
    plain,
    get answered() {
      return answered;
    },
    get planned() {
      return planned;
    },
    ask: async (asked) => ({ plain: await send(plain, asked), laned: await send(laned, asked) }),
    async [Symbol.asyncDispose]() {
      await laned[Symbol.asyncDispose]();
      await plain[Symbol.asyncDispose]();
    },
  };
}

const place = /"changesCursor":"[\w-]+"/g;

function exchange(
  url: string,
  { method = 'POST', path = '/graphql', headers, body }: WireRequest,
): Promise<WireAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, url), { method, path, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        const { rawHeaders, statusCode, statusMessage } = answer;
        const pairs = rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${rawHeaders[i + 1]}`] : []));
        const body = Buffer.concat(chunks).toString('latin1');
        const changing = body.includes('"changesCursor"') ? /^(Date|content-length): / : /^Date: /;
        resolve({
          status: `${statusCode} ${statusMessage}`,
          headers: pairs.filter((pair) => !changing.test(pair)),
          body: body.replace(place, '"changesCursor":"a place"'),
        });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
