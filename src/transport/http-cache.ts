/**
 * What caches may do with an answer to GET (RFC 9111), and answers that their asker has already (RFC 9110 §13.1.2). Every answer is
 * made before it is compared, under the rules of whoever asks: that it is the same as one that was given before says so of their
 * own answer alone, and spares nothing but its way.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { WrittenAnswer } from '../graphql/lane.ts';
import { isNamed } from '../graphql/persisted.ts';
import type { Answered, GraphqlRequest } from '../graphql/yoga.ts';

/** What of a request its answer's caching depends on. */
export interface Caching {
  /** The document is named, not written out in the address. */
  isNamed: boolean;
  isSignedIn: boolean;
  ifNoneMatch: string | undefined;
}

/** What is to be known of a request for its answer. @NOTE asked before it is answered: Yoga changes its headers. */
export const cachingOf = ({ headers }: IncomingMessage, asked: GraphqlRequest): Caching => ({
  isNamed: isNamed(asked),
  // @NOTE any cookie of ours: whether it counts depends on more than its text.
  isSignedIn: headers.authorization !== undefined || headers.cookie?.includes('millrace') === true,
  ifNoneMatch: headers['if-none-match'],
});

/**
 * An answer to GET with its `Cache-Control`, and where it may be kept with its `ETag`; 304 where the asker has it.
 * @param publicMaxAge seconds for which anybody may keep what a stranger is answered
 */
export async function forCaches(answered: Answered, asked: Caching, publicMaxAge: number): Promise<Answered> {
  const read = asked.isNamed ? await readAnswer(answered) : undefined;
  if (!read) return unkept(answered);
  const etag = etagOf(read);
  const headers: Record<string, string> = {
    ...read.headers,
    etag,
    'cache-control': asked.isSignedIn
      ? 'private, no-cache'
      : publicMaxAge > 0
        ? `public, max-age=${publicMaxAge}`
        : 'no-cache',
    vary: withNames(read.headers.vary),
  };
  if (!hasTag(asked.ifNoneMatch, etag)) return { ...read, headers };
  const { 'content-type': _type, 'content-length': _length, ...kept } = headers;
  return { status: 304, headers: kept, body: '' };
}

/** An answer that may be kept: all went well, and it is one text; undefined for any other. */
async function readAnswer(answered: Answered): Promise<WrittenAnswer | undefined> {
  if (!('response' in answered)) return answered.status === 200 ? answered : undefined;
  const { response } = answered;
  const type = response.headers.get('content-type') ?? '';
  if (response.status !== 200 || !/^application\/(graphql-response\+)?json\b/.test(type)) return undefined;
  const body = await response.clone().text();
  if ((JSON.parse(body) as { errors?: unknown }).errors !== undefined) return undefined;
  const headers = { ...Object.fromEntries(response.headers), 'content-length': String(Buffer.byteLength(body)) };
  return { status: 200, headers, body };
}

function unkept(answered: Answered): Answered {
  if (!('response' in answered)) return { ...answered, headers: { ...answered.headers, 'cache-control': 'no-store' } };
  // Events say themselves what may be done with them.
  if (!answered.response.headers.has('cache-control')) answered.response.headers.set('cache-control', 'no-store');
  return answered;
}

/** @NOTE strong, and of the type too: the same text is another representation under another type (RFC 9110 §8.8.1). */
function etagOf({ headers, body }: WrittenAnswer): string {
  const hash = createHash('sha256').update(`${headers['content-type']}\n`).update(body).digest('base64url');
  return `"${hash.slice(0, 22)}"`;
}

/** Weak comparison, as RFC 9110 §13.1.2 has it: proxies that compress make a strong tag a weak one. */
function hasTag(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.trim() === '*' || (ifNoneMatch.match(/"[^"]*"/g) as string[] | null)?.includes(etag) === true;
}

/** All that an answer depends on besides its address. */
function withNames(vary: string | undefined): string {
  const names = ['accept', 'authorization', 'cookie', 'origin'];
  const others = (vary ?? '').split(',').map((name) => name.trim().toLowerCase());
  return [...new Set([...names, ...others])].filter(Boolean).join(', ');
}
