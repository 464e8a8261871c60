import type { IncomingMessage } from 'node:http';

/**
 * Whether a page of this request's origin may open a stream: one of our own, or one that the configuration names. Browsers
 * let any page open a WebSocket anywhere, so the server has to look (RFC 6455 §10.2); other programs send no origin.
 */
export function isAllowedOrigin({ headers }: IncomingMessage, allowed: readonly string[]): boolean {
  const { origin, host } = headers;
  if (origin === undefined) return true;
  if (allowed.includes('*') || allowed.includes(origin)) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}
