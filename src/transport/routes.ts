/** Plain routes beside the API: pages, redirects and callbacks, of which each module has a list of its own. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { MillraceError } from '../errors.ts';
import { readForm } from './body.ts';

/** One plain route. */
export interface Route {
  method: 'GET' | 'POST';
  /** Segments that begin with a colon stand for any one segment: `/auth/:provider/callback`. Written-out ones come first. */
  path: string;
  /**
   * Answers one request; an error that it throws is answered as every other one.
   * @param params what stands in the place of the path's `:name` segments, decoded
   * @param url the address as it was sent, for its parameters; @NOTE its origin is made up: the Host header is anybody's word
   * @param form what was posted as `application/x-www-form-urlencoded`; empty for GET
   */
  handle(
    request: IncomingMessage,
    response: ServerResponse,
    params: Readonly<Record<string, string>>,
    url: URL,
    form: URLSearchParams,
  ): Promise<void>;
}

/** All plain routes of a server. */
export interface Routes {
  /** Answers the request if it is for one of them, and says whether it was. */
  answer(request: IncomingMessage, response: ServerResponse): Promise<boolean>;
}

/** The largest form that is read; what an identity provider posts has a few kilobytes. */
const maxFormBytes = 65_536;

/** Makes one part of all routes. */
export function createRoutes(routes: readonly Route[]): Routes {
  const known = routes
    .map((route) => ({ route, segments: route.path.split('/') }))
    .sort((a, b) => wildcards(a.segments) - wildcards(b.segments));
  return {
    async answer(request, response) {
      const address = request.url ?? '';
      const asked = address.split('?', 1)[0]!.split('/');
      for (const { route, segments } of known) {
        const params = isFor(request, route) ? match(segments, asked) : undefined;
        if (!params) continue;
        if (request.method === 'HEAD') {
          // @NOTE never handed on: whoever only looks whether a link is alive must not use it up.
          response.writeHead(200, { 'Cache-Control': 'no-store' }).end();
          return true;
        }
        const form = route.method === 'POST' ? await readForm(request, maxFormBytes) : new URLSearchParams();
        await route.handle(request, response, params, new URL(`http://localhost${address}`), form);
        return true;
      }
      return false;
    },
  };
}

const wildcards = (segments: readonly string[]): number => segments.filter((s) => s.startsWith(':')).length;

const isFor = ({ method }: IncomingMessage, route: Route): boolean =>
  method === route.method || (method === 'HEAD' && route.method === 'GET');

function match(segments: readonly string[], asked: readonly string[]): Record<string, string> | undefined {
  if (segments.length !== asked.length) return undefined;
  const params: Record<string, string> = {};
  for (const [i, segment] of segments.entries()) {
    const given = asked[i]!;
    if (!segment.startsWith(':')) {
      if (segment !== given) return undefined;
    } else if (given === '') return undefined;
    else params[segment.slice(1)] = decoded(given);
  }
  return params;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new MillraceError('INVALID_INPUT', 'the address is none');
  }
}
