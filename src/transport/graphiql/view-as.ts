import type { IncomingMessage, ServerResponse } from 'node:http';
import { headerOf, sendJson } from './send.ts';

/** Somebody a developer may want to ask as. */
export interface ViewAsChoice {
  sub?: string;
  role?: string;
  label: string;
}

/** How the page becomes somebody; for the embedded development default only, never for a server others can reach. */
export interface ViewAs {
  /** Makes a bearer token for this subject and role. */
  mintToken(sub: string | undefined, role: string | undefined): Promise<string>;
  /** A few known viewers to pick from. */
  suggestions(): Promise<ViewAsChoice[]>;
  /** Whom the page asks as when it is opened for the first time; nobody when absent. */
  initial?: ViewAsChoice;
}

/** Why a request may not use view-as. */
export interface Refusal {
  status: number;
  message: string;
}

const bodyLimit = 1024;
const forwardedBy = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'];

/**
 * Whether a request comes from this very machine, asked for under a name that only this machine has.
 *
 * A page of another site can make a browser here send requests, or have its own name resolve to 127.0.0.1 (DNS rebinding):
 * the first is seen by where the request comes from, the second by the Host header. A proxy on this machine makes strangers look
 * local: what it adds gives it away.
 */
export function isLocal(request: IncomingMessage): boolean {
  const address = request.socket.remoteAddress ?? '';
  const loopback = address === '::1' || /^(::ffff:)?127\.\d+\.\d+\.\d+$/.test(address);
  const localName = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i.test(headerOf(request, 'host') ?? '');
  return loopback && localName && !forwardedBy.some((name) => name in request.headers);
}

/** Why a request to a view-as route is refused, or undefined when it may pass; the body is not looked at. */
export function refuseViewAs(request: IncomingMessage): Refusal | undefined {
  if (request.method !== 'POST') return { status: 405, message: 'Use POST.' };
  if (!isLocal(request)) return { status: 403, message: 'View as works on the machine itself only.' };
  const site = headerOf(request, 'sec-fetch-site');
  const origin = headerOf(request, 'origin')?.toLowerCase();
  const host = headerOf(request, 'host')?.toLowerCase();
  const sameOrigin = origin === `http://${host}` || origin === `https://${host}`;
  if (!sameOrigin || (site !== undefined && site !== 'same-origin')) {
    return { status: 403, message: 'View as works from the page itself only.' };
  }
  if (!/^application\/json\s*(;|$)/i.test(headerOf(request, 'content-type') ?? '')) {
    return { status: 415, message: 'The body must be application/json.' };
  }
  if (Number(headerOf(request, 'content-length') ?? 0) > bodyLimit) return tooLarge;
  return undefined;
}

/** Answers `POST …/view-as` with `{ token }`; expects a request that was not refused. */
export async function answerViewAs(request: IncomingMessage, response: ServerResponse, viewAs: ViewAs): Promise<void> {
  const body = await readBody(request);
  if (body === undefined) return refuse(response, tooLarge);
  const wanted = parseChoice(body);
  if (!wanted) {
    return refuse(response, {
      status: 400,
      message: 'The body must be {"sub": string, "role": string}, at least one of them.',
    });
  }
  sendJson(response, 200, { token: await viewAs.mintToken(wanted.sub, wanted.role) });
}

/** Answers `POST …/view-as/suggestions` with `{ suggestions }`; expects a request that was not refused. */
export async function answerSuggestions(response: ServerResponse, viewAs: ViewAs): Promise<void> {
  sendJson(response, 200, { suggestions: await viewAs.suggestions() });
}

/** Sends a refusal and ends the connection, so that the rest of a large body is not read. */
export function refuse(response: ServerResponse, { status, message }: Refusal): void {
  response.req.resume();
  sendJson(response, status, { error: message }, { Connection: 'close', ...(status === 405 ? { Allow: 'POST' } : {}) });
}

const tooLarge: Refusal = { status: 413, message: `The body may have ${bodyLimit} bytes at most.` };

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  return new Promise((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > bodyLimit) {
        // The stream stays open for the answer; what still comes is dropped.
        request.removeAllListeners('data').resume();
        resolve(undefined);
      } else chunks.push(chunk);
    });
    request.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    request.on('error', reject);
  });
}

function parseChoice(body: string): { sub?: string; role?: string } | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return undefined;
  const { sub, role, ...others } = parsed as Record<string, unknown>;
  const isWord = (value: unknown) => value === undefined || (typeof value === 'string' && value.trim() !== '');
  if (!isWord(sub) || !isWord(role) || (sub ?? role) === undefined || Object.keys(others).length > 0) return undefined;
  return {
    ...(sub === undefined ? {} : { sub: sub as string }),
    ...(role === undefined ? {} : { role: role as string }),
  };
}
