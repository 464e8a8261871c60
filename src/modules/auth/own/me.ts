import { secondFactorsOf } from '../sessions/sign-in.ts';
import { findAccount, type Needs } from '../users.ts';

/** What somebody may know of their own account. */
export interface Me {
  userId: string;
  kind: string;
  email: string | undefined;
  isEmailVerified: boolean;
  roles: readonly string[];
  organizations: readonly { id: string; role: string }[];
  hasPassword: boolean;
  secondFactors: readonly string[];
  sessionId: string | undefined;
  assurance: number | undefined;
  actorId: string | undefined;
}

/** The account of the viewer; undefined for strangers, and for tokens that are of no account. */
export async function readMe(ctx: Needs): Promise<Me | undefined> {
  const { viewer } = ctx;
  const account = viewer.id === undefined ? undefined : await findAccount(ctx.db, viewer.id);
  if (!account) return undefined;
  const [row] = await ctx.db.query({
    text: 'select exists (select from millrace.auth_passwords where user_id = $1)',
    values: [account.userId],
  });
  const { session } = viewer;
  return {
    userId: account.userId,
    kind: account.kind.toUpperCase(),
    email: account.email,
    isEmailVerified: account.isEmailVerified,
    roles: viewer.roles,
    organizations: Object.entries(viewer.orgRoles).map(([id, role]) => ({ id, role })),
    hasPassword: row![0] === true,
    secondFactors: await secondFactorsOf(ctx, account.userId),
    sessionId: session?.id,
    assurance: session && Number(session.assurance),
    actorId: session?.impersonatorId,
  };
}
