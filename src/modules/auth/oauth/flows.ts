/**
 * Sign-ins by a provider, from the first step to the last.
 *
 * A flow begins here, goes through the provider's pages, and comes back with the provider's answer, by a browser that may be
 * anybody's. What binds it together: `state` finds the flow, once. Where a browser began it, a cookie says that it is the same
 * browser that comes back. Where a program began it, it ends with a code that is worth nothing without the program's verifier
 * (S256, as PKCE): whoever else gets the code, or has somebody else walk through their flow, ends with nothing.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { invalidInput, MillraceError } from '../../../errors.ts';
import { createChallenge, newToken, peekChallenge, takeChallenge } from '../challenges.ts';
import { limits } from '../limits.ts';
import { signInRefused } from '../refusals.ts';
import type { Needs } from '../users.ts';
import { authorizationUrl, type Flow, FlowError, finishFlow, makeFlow } from './flow.ts';
import type { Profile } from './provider.ts';
import { isOurPage, readRedirect } from './redirects.ts';

/** How a flow ends: with cookies at a page of ours, with a code that signs in, or with one that links. */
export type FlowEnd = 'cookies' | 'code' | 'link';

/** A flow under way. */
export interface StoredFlow extends Flow {
  end: FlowEnd;
  redirectTo: string;
  /** Hash of the cookie of the browser that began it. */
  browser?: string;
  /** Of the verifier, with which alone the code at its end is of use. */
  challenge?: string;
  /** The session that links. */
  sessionId?: string;
}

/** How a flow is begun. */
export interface NewFlow {
  provider: string;
  redirectTo: string | null | undefined;
  challenge?: string | null;
  /** Secret of the browser that begins it. */
  browser?: string;
  /** Whose account is linked, and by which session. */
  link?: { userId: string; sessionId: string };
}

/** What came of a provider's answer: who it is, for an end that comes at once or later. */
export interface FinishedFlow {
  flow: StoredFlow;
  profile: Profile;
  userId: string | undefined;
}

/** Seconds: for the way through the provider's pages, and from there to the application. */
export const lifetimes = { flow: 600, exchange: 60 };

/** Where a provider sends its answers: an address of its own for each, so that none answers for another. */
export const callbackOf = ({ accounts }: Needs, provider: string): string =>
  new URL(`/auth/${encodeURIComponent(provider)}/callback`, accounts!.publicUrl()).href;

const hashOf = (text: string): string => createHash('sha256').update(text).digest('base64url');

const isSame = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));

/** Begins a flow; resolves to the provider's page. @throws INVALID_INPUT, NOT_FOUND, RATE_LIMITED, UNAVAILABLE */
export async function beginFlow(ctx: Needs, wanted: NewFlow): Promise<URL> {
  const { accounts, client } = ctx;
  const { provider, browser, link } = wanted;
  const redirectTo = readRedirect(ctx, wanted.redirectTo);
  const challenge = readChallenge(wanted.challenge);
  const end: FlowEnd = link ? 'link' : challenge ? 'code' : 'cookies';
  if (end === 'cookies' && !(browser && isOurPage(ctx, redirectTo)))
    throw invalidInput('challenge', 'only a page of PUBLIC_URL itself can do without one');
  if (end === 'link' && !challenge) throw invalidInput('challenge', 'needed');
  await accounts!.limits.take(limits.providerStarts, client.network);
  const found = await accounts!.providers().find(provider);
  const flow: StoredFlow = {
    ...makeFlow(provider, callbackOf(ctx, provider)),
    end,
    redirectTo: redirectTo.href,
    ...(challenge && { challenge }),
    ...(browser && { browser: hashOf(browser) }),
    ...(link && { sessionId: link.sessionId }),
  };
  const token = newToken();
  const url = await authorizationUrl(found, flow, token);
  const data = { ...flow };
  // @NOTE in the operation's transaction: by the pool, the foreign key would wait for what the operation itself has done to the account.
  await createChallenge(ctx.db, {
    kind: 'oauth-flow',
    userId: link?.userId,
    data,
    lifetime: lifetimes.flow,
    token,
  });
  return url;
}

/** A code challenge is the S256 of a verifier (RFC 7636, section 4.2); there is no other method. */
function readChallenge(given: string | null | undefined): string | undefined {
  if (!given) return undefined;
  if (/^[\w-]{43}$/.test(given)) return given;
  throw invalidInput('challenge', 'expected the SHA-256 of the verifier, as 43 characters of base64url');
}

/** A provider's answer that belongs to no flow: of another browser, used before, too late, or made up. */
export class StrayAnswer extends MillraceError {
  constructor() {
    super('UNAUTHENTICATED', 'This sign-in cannot go on: it is over, or was begun in another browser. Start it again.');
  }
}

/** Takes the flow that an answer belongs to; nobody can answer it again, whatever comes of it. @throws StrayAnswer */
export async function takeFlow(
  ctx: Needs,
  { provider, answer, browser }: { provider: string; answer: URLSearchParams; browser: string | undefined },
): Promise<{ flow: StoredFlow; userId: string | undefined }> {
  const states = answer.getAll('state');
  // @NOTE by the pool: of fifty answers at once one has it, and it is gone though all that follows fails.
  const taken = states.length === 1 && (await takeChallenge(ctx.accounts!.db, 'oauth-flow', states[0]!));
  if (!taken) throw new StrayAnswer();
  const flow = taken.data as unknown as StoredFlow;
  const isOfBrowser = !flow.browser || (browser !== undefined && isSame(hashOf(browser), flow.browser));
  if (flow.provider !== provider || !isOfBrowser) throw new StrayAnswer();
  return { flow, userId: taken.userId };
}

/** Asks the provider what its answer is worth. @throws FlowError, UNAVAILABLE */
export async function profileOfAnswer(ctx: Needs, flow: StoredFlow, answer: URLSearchParams): Promise<Profile> {
  const found = await ctx.accounts!.providers().find(flow.provider);
  // The address may have become another one since: then the answer came to one that the flow did not name.
  if (flow.redirectUri !== callbackOf(ctx, flow.provider)) throw new FlowError('sign_in_refused');
  return finishFlow(found, flow, answer, answer.get('state')!);
}

/** Keeps what a flow came to for whoever has the verifier; resolves to the code that names it. */
export function createExchange(ctx: Needs, { flow, profile, userId }: FinishedFlow): Promise<string> {
  const { end, provider, challenge, sessionId } = flow;
  const data = { end, provider, challenge, sessionId, profile };
  return createChallenge(ctx.accounts!.db, { kind: 'oauth-exchange', userId, data, lifetime: lifetimes.exchange });
}

/** What an exchange code stands for. */
export interface Exchanged {
  provider: string;
  profile: Profile;
  userId: string | undefined;
  sessionId: string | undefined;
}

/**
 * Takes what an exchange code stands for, in the operation's transaction; a wrong verifier ends the code.
 * @throws UNAUTHENTICATED, in the words of wrong credentials
 */
export async function takeExchange(
  ctx: Needs,
  end: Exclude<FlowEnd, 'cookies'>,
  { code, verifier }: { code: string; verifier: string },
): Promise<Exchanged> {
  const { db } = ctx.accounts!;
  const seen = await peekChallenge(db, 'oauth-exchange', code);
  if (!seen) throw signInRefused();
  const isWritten = /^[\w.~-]{43,128}$/.test(verifier);
  const isTheirs = isWritten && isSame(hashOf(verifier), String(seen.data.challenge)) && seen.data.end === end;
  if (!isTheirs) {
    await takeChallenge(db, 'oauth-exchange', code);
    throw signInRefused();
  }
  const taken = await takeChallenge(ctx.db, 'oauth-exchange', code);
  if (!taken) throw signInRefused();
  const { provider, profile, sessionId } = taken.data as unknown as Exchanged;
  return { provider, profile, userId: taken.userId, sessionId };
}
