import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Asset, AssetStore, Encoding } from './assets.ts';

/** Headers that every answer of the page's own routes carries. */
export const commonHeaders = {
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'same-origin',
} as const;

/** Picks the coding the client likes best of those this server has (RFC 9110, section 12.5.3); a tie goes to the smaller. */
export function chooseEncoding(acceptEncoding: string | undefined): Encoding {
  const weights = new Map<string, number>();
  for (const entry of (acceptEncoding ?? '').toLowerCase().split(',')) {
    const [coding = '', ...parameters] = entry.split(';').map((part) => part.trim());
    const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? '1';
    weights.set(coding, Number.parseFloat(weight) || 0);
  }
  const weigh = (coding: string) => weights.get(coding) ?? weights.get('*') ?? 0;
  const best = weigh('gzip') > weigh('br') ? 'gzip' : 'br';
  return weigh(best) > 0 && weigh(best) >= (weights.get('identity') ?? 0) ? best : 'identity';
}

/** Answers with one asset, never to be asked for again; 304 when the client shows that it has it. */
export async function sendAsset(
  request: IncomingMessage,
  response: ServerResponse,
  asset: Asset,
  store: AssetStore,
): Promise<void> {
  const encoding = chooseEncoding(headerOf(request, 'accept-encoding'));
  // @NOTE one tag for each coding: equal strong tags must stand for equal bytes (RFC 9110, section 8.8.3.3).
  const etag = `"${asset.hash}${encoding === 'identity' ? '' : `-${encoding}`}"`;
  const headers: Record<string, string | number> = {
    ...commonHeaders,
    // A worker takes its policy from its own answer, not from the page: it needs nothing at all.
    'Content-Security-Policy': "default-src 'none'",
    'Cache-Control': 'public, max-age=31536000, immutable',
    Vary: 'Accept-Encoding',
    ETag: etag,
  };
  if (isKnown(request, etag)) {
    response.writeHead(304, headers).end();
    return;
  }
  const body = await store.read(asset, encoding);
  headers['Content-Type'] = asset.contentType;
  headers['Content-Length'] = body.length;
  if (encoding !== 'identity') headers['Content-Encoding'] = encoding;
  response.writeHead(200, headers).end(request.method === 'HEAD' ? undefined : body);
}

/** Answers with one line of text. */
export function sendText(response: ServerResponse, status: number, text: string, headers: Record<string, string> = {}) {
  response
    .writeHead(status, { ...commonHeaders, 'Content-Type': 'text/plain; charset=utf-8', ...headers })
    .end(`${text}\n`);
}

/** Answers with JSON that no cache keeps. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
) {
  response
    .writeHead(status, {
      ...commonHeaders,
      'Content-Type': 'application/json; charset=utf-8',
      'Cache-Control': 'no-store',
      ...headers,
    })
    .end(JSON.stringify(body));
}

/** Whether `If-None-Match` names this tag. */
export function isKnown(request: IncomingMessage, etag: string): boolean {
  const known = headerOf(request, 'if-none-match');
  return known?.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag) ?? false;
}

/** One header as a string; repeated ones are joined as HTTP allows. */
export function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}
