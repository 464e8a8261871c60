import type { IncomingMessage } from 'node:http';
import { MillraceError } from '../errors.ts';
import { isNamed } from '../graphql/persisted.ts';
import { endOfString } from '../platform/json-text.ts';

/** Levels of lists and objects in a body; a filter of any sense has fewer, and code that walks them needs the stack. */
export const maxDepth = 200;

/** A body in a form that is not read: HTTP has a status of its own for that. */
export class UnsupportedBody extends MillraceError {
  readonly status = 415;

  constructor(message: string) {
    super('INVALID_INPUT', message);
  }
}

/**
 * Reads the JSON object of a GraphQL request, or a list of at most `maxBatch` of them. Other types are refused: a page of
 * another site can send forms and plain text with a browser's credentials without asking, but not JSON.
 * @throws INVALID_INPUT, TOO_LARGE
 */
export async function readBody(
  request: IncomingMessage,
  maxBytes: number,
  maxBatch: number,
): Promise<object | readonly object[]> {
  if (typeOf(request) !== 'application/json') throw new UnsupportedBody('send the request as application/json');
  requirePlain(request, maxBytes);
  const body = parseJson('the body', await readText(request, maxBytes));
  if (!Array.isArray(body)) return asked(body);
  if (body.length === 0 || body.length > maxBatch) {
    const most = maxBatch === 0 ? 'one' : `1 to ${maxBatch}`;
    throw new MillraceError('INVALID_INPUT', `the body holds ${body.length} operations; ${most} are allowed`);
  }
  return body.map(asked);
}

/** Reads a form that was posted. @throws INVALID_INPUT, TOO_LARGE */
export async function readForm(request: IncomingMessage, maxBytes: number): Promise<URLSearchParams> {
  if (typeOf(request) !== 'application/x-www-form-urlencoded') throw new UnsupportedBody('send the request as a form');
  requirePlain(request, maxBytes);
  return new URLSearchParams(await readText(request, maxBytes));
}

const typeOf = ({ headers }: IncomingMessage): string | undefined =>
  headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();

function requirePlain({ headers }: IncomingMessage, maxBytes: number): void {
  const encoding = headers['content-encoding']?.trim().toLowerCase();
  if (encoding && encoding !== 'identity') throw new UnsupportedBody('send the body as it is, not compressed');
  if (Number(headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
}

function asked(body: unknown): object {
  // @NOTE Yoga takes whatever has a `then` for a promise.
  if (typeof body === 'object' && body !== null && 'then' in body)
    throw new MillraceError('INVALID_INPUT', 'Unexpected parameter "then" in the request body.');
  if (typeof body === 'object' && body !== null && !Array.isArray(body) && hasDocument(body)) return body;
  throw new MillraceError('INVALID_INPUT', 'the body must be an object with a query');
}

/** Whether a request has a document, or what stands for one. */
function hasDocument(request: { query?: unknown; documentId?: unknown; extensions?: unknown }): boolean {
  return typeof request.query === 'string' || (request.query == null && isNamed(request));
}

/** Checks what a GET says in its address, as far as that is JSON. @throws INVALID_INPUT */
export function checkAddress(url: string): void {
  const parameters = parametersOf(url);
  for (const name of ['variables', 'extensions']) {
    const text = parameters.get(name);
    if (text) parseJson(`the parameter ${name}`, text);
  }
}

/** What an address asks, read as Yoga reads it. */
export const parametersOf = (url: string): URLSearchParams => new URLSearchParams(url.slice(url.indexOf('?') + 1));

function parseJson(what: string, text: string): unknown {
  if (isDeeperThan(maxDepth, text)) {
    throw new MillraceError('INVALID_INPUT', `${what} is more than ${maxDepth} levels deep`);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new MillraceError('INVALID_INPUT', `${what} is not JSON`, {}, { cause: error });
  }
}

function readText(request: IncomingMessage, maxBytes: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const onData = (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size <= maxBytes) return;
      leave();
      request.resume();
      reject(tooLarge(maxBytes));
    };
    const onEnd = () => {
      leave();
      resolve((chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)).toString('utf8'));
    };
    // Nobody is left to read the answer; the error only ends the work.
    const abort = () => {
      leave();
      reject(new MillraceError('INVALID_INPUT', 'the request was not finished'));
    };
    // @NOTE a request lives as long as its answer, which may be a stream: it is not to keep what was read.
    const leave = () => request.off('data', onData).off('end', onEnd).off('error', abort).off('close', abort);
    request.on('data', onData).on('end', onEnd).on('error', abort).on('close', abort);
  });
}

const tooLarge = (maxBytes: number): MillraceError =>
  new MillraceError('TOO_LARGE', `the body is larger than ${maxBytes} bytes`);

/** Whether JSON text nests deeper than this, found without nesting oneself. */
export function isDeeperThan(limit: number, text: string): boolean {
  // Every level takes a bracket on either side.
  if (text.length < 2 * limit) return false;
  let depth = 0;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === quote) i = endOfString(text, i);
    else if (code === openBrace || code === openBracket) {
      depth += 1;
      if (depth > limit) return true;
    } else if (code === closeBrace || code === closeBracket) depth -= 1;
  }
  return false;
}

const [quote, openBrace, closeBrace, openBracket, closeBracket] = [...'"{}[]'].map((c) => c.charCodeAt(0));
