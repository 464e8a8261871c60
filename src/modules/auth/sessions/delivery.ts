/** How tokens come to whoever has signed in: in the answer, or as cookies that no script can read. */
import { MillraceError } from '../../../errors.ts';
import { sessionOver } from '../refusals.ts';
import type { Needs } from '../users.ts';
import type { SessionTokens } from './session.ts';
import type { SignInResult } from './sign-in.ts';

/**
 * Tokens as the answer tells them: to a client that asks for cookies they are set after the commit, and not told.
 * @param isByCookie it was asked for by a cookie, which no script may make into a token that it can read
 */
export function deliver(ctx: Needs, tokens: SessionTokens, isByCookie = false): SessionTokens {
  const { client } = ctx;
  const { setCookie } = client;
  if (!(client.wantsCookies || isByCookie) || !setCookie) return tokens;
  const { accessToken, expiresAt, refreshToken, refreshExpiresAt } = tokens;
  const secondsTo = (at: Date) => Math.max(1, Math.floor((at.getTime() - Date.now()) / 1000));
  ctx.afterCommit(() => {
    if (accessToken !== null) setCookie.call(client, 'access', accessToken, secondsTo(expiresAt));
    if (refreshToken !== null) setCookie.call(client, 'refresh', refreshToken, secondsTo(refreshExpiresAt!));
  });
  return { ...tokens, accessToken: null, refreshToken: null };
}

/** The same of a sign-in. */
export const delivered = (ctx: Needs, { session, secondFactor }: SignInResult): SignInResult => ({
  session: session && deliver(ctx, session),
  secondFactor,
});

/** The refresh token that was given, or that a cookie carries. @throws UNAUTHENTICATED when there is none */
export function refreshTokenOf({ client, viewer }: Needs, given: string | null | undefined): string {
  const token = given ?? client.cookies().refresh;
  if (!token) throw viewer.refusedCookie === undefined ? sessionOver() : cookieRefused(viewer.refusedCookie);
  return token;
}

/** Says why the cookies that were sent count for nothing. */
export const cookieRefused = (why: string): MillraceError => new MillraceError('UNAUTHENTICATED', why);

/** Takes the cookies away after the commit, where there are any; of whoever acts as somebody else, only what they act by. */
export function takeCookies({ client, afterCommit, viewer }: Needs): void {
  if (!client.setCookie) return;
  const { access, refresh } = client.cookies();
  if (access === undefined && refresh === undefined) return;
  afterCommit(() => {
    client.setCookie!('access', '', 0);
    if (viewer.session?.impersonatorId === undefined) client.setCookie!('refresh', '', 0);
  });
}
