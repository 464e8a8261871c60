import { type LookupAddress, lookup as lookupAddress } from 'node:dns';
import { type IncomingMessage, request as requestOpenly } from 'node:http';
import { request as requestByTls } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { isLoopbackHost, isPrivateAddress } from './addresses.ts';
import type { ProviderFetch } from './provider.ts';

/** A provider could not be asked, or did not answer as one does; `message` holds nothing that it has said. */
export class ProviderFetchError extends TypeError {}

/** What bounds the requests to one provider. */
export interface ProviderFetchOptions {
  /** Origins that are where whoever runs the server says: they may be private, and on this machine without TLS. */
  trusted: ReadonlySet<string>;
  /** Milliseconds for the whole of an answer. */
  patience?: number;
  maxBytes?: number;
  /** Finds the addresses of a name. */
  lookup?: typeof lookupAddress;
}

const nullBodies = [101, 204, 205, 304];

/**
 * Makes a `fetch` for one provider's endpoints. It follows no redirect, reads no compressed answer, and connects to no
 * private address that was not named by whoever runs the server; a name is judged by what it connects to, not beforehand.
 */
export function createProviderFetch(options: ProviderFetchOptions): ProviderFetch {
  const { trusted, patience = 8_000, maxBytes = 262_144 } = options;
  return async (address, init = {}) => {
    const url = new URL(address);
    checkEndpoint(url, trusted);
    const body = init.body === undefined ? undefined : String(init.body);
    const headers = {
      ...init.headers,
      ...(body !== undefined && { 'content-length': String(Buffer.byteLength(body)) }),
    };
    const limit = AbortSignal.timeout(patience);
    const request = (url.protocol === 'https:' ? requestByTls : requestOpenly)(url, {
      method: init.method ?? 'GET',
      headers,
      signal: init.signal ? AbortSignal.any([limit, init.signal]) : limit,
      agent: false,
      ...(trusted.has(url.origin) ? {} : { lookup: publicLookup(options.lookup ?? lookupAddress) }),
    });
    try {
      const message = await new Promise<IncomingMessage>((resolve, reject) => {
        request.on('response', resolve).on('error', reject);
        request.end(body);
      });
      const bytes = await readWithin(message, maxBytes);
      const status = message.statusCode ?? 502;
      if (status < 200) throw new ProviderFetchError('the provider does not answer');
      return new Response(nullBodies.includes(status) ? null : bytes, { status, headers: headersOf(message) });
    } catch (cause) {
      if (cause instanceof ProviderFetchError) throw cause;
      const reason = limit.aborted ? 'the provider takes too long' : 'the provider cannot be reached';
      throw new ProviderFetchError(reason, { cause });
    } finally {
      request.destroy();
    }
  };
}

/** Refuses what no endpoint of a provider is. @throws ProviderFetchError */
export function checkEndpoint(url: URL, trusted: ReadonlySet<string>): void {
  const isTrusted = trusted.has(url.origin);
  const isOpen = url.protocol === 'http:' && isTrusted && isLoopbackHost(url.hostname);
  if (url.protocol !== 'https:' && !isOpen) throw new ProviderFetchError('an endpoint is not reached by TLS');
  if (url.username || url.password) throw new ProviderFetchError('an endpoint has a password in it');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (!isTrusted && (isLoopbackHost(url.hostname) || (isIP(host) !== 0 && isPrivateAddress(host)))) {
    throw new ProviderFetchError('an endpoint is in a private network');
  }
}

/** A lookup that knows no private addresses. */
function publicLookup(lookup: typeof lookupAddress): LookupFunction {
  return (hostname, options, done) => {
    lookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      if (error) return done(error, '', 4);
      const open = addresses.filter(({ address }) => !isPrivateAddress(address));
      const [first] = open;
      if (!first) return done(new ProviderFetchError('an endpoint is in a private network'), '', 4);
      if (options.all) return done(null, open);
      done(null, first.address, first.family);
    });
  };
}

async function readWithin(message: IncomingMessage, maxBytes: number): Promise<Buffer<ArrayBuffer>> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw new ProviderFetchError('the provider says too much');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function headersOf(message: IncomingMessage): Headers {
  const headers = new Headers();
  for (let i = 0; i < message.rawHeaders.length; i += 2) {
    headers.append(message.rawHeaders[i]!, message.rawHeaders[i + 1]!);
  }
  return headers;
}
