import { MillraceError } from '../../errors.ts';
import type { Claims } from '../../platform/tokens.ts';
import { type Viewer, viewerOf } from '../../viewer.ts';
import { freeClaims, lastingClaims } from './claims.ts';
import type { AccountsPlan } from './plan.ts';
import { sessionOver } from './refusals.ts';
import { expandRoles } from './roles.ts';
import type { Needs } from './users.ts';
import type { AccountState, ViewerStates } from './viewer-states.ts';

/**
 * The viewer of an access token of a session: roles, organisations and claims are what they are now, whatever the token says.
 * @throws UNAUTHENTICATED when the session has ended, or its account is disabled
 */
export async function viewerOfSession(
  claims: Claims,
  { states, plan }: { states: ViewerStates; plan: AccountsPlan },
): Promise<Viewer> {
  const session = await states.session(String(claims.sid));
  if (!session || session.userId !== claims.sub || session.expiresAt * 1000 <= Date.now()) throw sessionOver();
  const account = await states.account(session.userId);
  if (!account || account.isDisabled) throw sessionOver();
  const { id, assurance, methods, authenticatedAt, impersonatorId } = session;
  return {
    ...viewerOfAccount(account, plan, claims),
    token: claims,
    session: { id, assurance, methods, authenticatedAt, ...(impersonatorId !== undefined && { impersonatorId }) },
  };
}

/** The viewer that an account comes to. @param claims of the token, if there is one */
export function viewerOfAccount(account: AccountState, plan: AccountsPlan, claims: Claims = {}): Viewer {
  const roles = expandRoles(account.roles, plan.roles);
  const { userId, orgRoles, kind } = account;
  const [role] = account.roles;
  const orgs = Object.keys(orgRoles);
  const now = { ...freeClaims(account.claims), ...lastingClaims(claims), sub: userId, role, roles, orgs };
  return {
    ...viewerOf(now, plan.adminRole),
    roles,
    orgs,
    orgRoles,
    isGuest: kind === 'guest',
    isAdmin: account.roles.includes(plan.adminRole),
  };
}

/** A viewer with a session of their own, by which accounts are changed. */
export type SignedInViewer = Viewer & { id: string; session: NonNullable<Viewer['session']> };

/** The viewer, who has signed in. @throws UNAUTHENTICATED without a session; FORBIDDEN for API keys, which change no accounts */
export function requireSession({ viewer }: Pick<Needs, 'viewer'>): SignedInViewer {
  if (viewer.isAnonymous) throw new MillraceError('UNAUTHENTICATED', 'sign in to do this');
  if (!viewer.session || viewer.id === undefined)
    throw new MillraceError('FORBIDDEN', 'this takes a session of somebody who has signed in');
  return viewer as SignedInViewer;
}

/** Seconds for which whoever has signed in may change how they do. */
const freshFor = 600;

/**
 * A viewer who has proved a short while ago to be there, as strongly as their account can.
 * @param factors the second factors of a user: `secondFactorsOf`
 * @throws FORBIDDEN asking for `reauthenticate`; also while an admin acts as the user
 */
export async function requireFresh(ctx: Needs, factors: (userId: string) => Promise<readonly string[]>) {
  const viewer = requireSession(ctx);
  const { session, id } = viewer;
  // @NOTE from the row: what is remembered of a session may be a moment older than the proof that has just been given.
  const [row] = await ctx.db.query({
    text: `select authenticated_at > now() - make_interval(secs => $3), assurance = 2, actor_id is not null
      from auth_sessions where id = $1 and user_id = $2 and expires_at > now()`,
    values: [session.id, id, freshFor],
  });
  if (!row) throw sessionOver();
  const [isRecent, isStrong, isActing] = row;
  if (isActing) throw new MillraceError('FORBIDDEN', 'not while acting as somebody else');
  if (!isRecent || !(isStrong || (await factors(id)).length === 0))
    throw new MillraceError('FORBIDDEN', 'reauthenticate first: this takes a fresh proof of who you are');
  return viewer;
}
