/** Where every way of signing in ends. */
import { recordEvent } from '../audit.ts';
import { createChallenge } from '../challenges.ts';
import { signInRefused } from '../refusals.ts';
import { type Account, asKnown, type Needs } from '../users.ts';
import { openSession, type SessionTokens } from './session.ts';

/** How somebody has proved who they are. */
export interface Proof {
  /** For the audit and hooks: `password`, `link`, `code`, `passkey`, `guest`, a provider's name … */
  method: string;
  /** RFC 8176. */
  amr: readonly string[];
  /** It was more than one factor by itself: a passkey with user verification, a second factor that was shown. */
  isStrong?: boolean;
  /** No second factor is asked: of devices, which have keys of their own, and guests. */
  needsNoSecond?: boolean;
  deviceId?: string;
  isFirst?: boolean;
}

/** A second factor that has to be shown before there is a session. */
export interface SecondFactorRequest {
  /** Given to `completeSecondFactor`; good for nothing else. */
  token: string;
  /** What will do: `totp`, `passkey`, `recovery-code`. */
  methods: readonly string[];
  expiresAt: Date;
}

/** What comes of signing in: exactly one of both is there. */
export interface SignInResult {
  session: SessionTokens | null;
  secondFactor: SecondFactorRequest | null;
  /** By which a device is known from now on; of sign-ins by password, where no cookie carries it. */
  deviceToken?: string | null;
}

/** Seconds for a second factor to be shown. */
const patience = 300;

/**
 * Signs an account in: asks the second factor that it has, or opens a session.
 * @throws UNAUTHENTICATED when the account is disabled, in the words of wrong credentials
 */
export async function completeSignIn(ctx: Needs, account: Account, proof: Proof): Promise<SignInResult> {
  if (account.isDisabled || account.kind === 'service') throw signInRefused();
  const { method, amr, isStrong = false, deviceId } = proof;
  const factors = isStrong || proof.needsNoSecond ? [] : await secondFactorsOf(ctx, account.userId);
  if (factors.length > 0) {
    const { userId } = account;
    const token = await createChallenge(ctx.db, {
      kind: 'second-factor',
      userId,
      data: { method, amr, isFirst: proof.isFirst ?? false },
      lifetime: patience,
    });
    const expiresAt = new Date(Date.now() + patience * 1000);
    return { session: null, secondFactor: { token, methods: factors, expiresAt } };
  }
  const session = await openSession(ctx, account, { methods: amr, assurance: isStrong ? '2' : '1', deviceId });
  const { sessionId, userId } = session;
  await recordEvent(ctx, ctx.db, 'signed-in', { userId, sessionId, details: { method } });
  const { afterSignIn } = ctx.accounts!.plan.definition;
  if (afterSignIn) {
    const signedIn = { ...asKnown(account), sessionId, method, isFirst: proof.isFirst ?? false };
    ctx.afterCommit(() => ctx.accounts!.runHook('afterSignIn', () => afterSignIn(signedIn)));
  }
  return { session, secondFactor: null };
}

/** The second factors that an account can show, the usual one first; none when it has none. */
export async function secondFactorsOf(ctx: Pick<Needs, 'db'>, userId: string): Promise<string[]> {
  const [row] = await ctx.db.query({
    text: `select exists (select from millrace.auth_totp where user_id = $1 and confirmed_at is not null),
      exists (select from millrace.auth_passkeys where user_id = $1),
      exists (select from millrace.auth_recovery_codes where user_id = $1)`,
    values: [userId],
  });
  const [hasTotp, hasPasskey, hasCodes] = row!;
  if (!hasTotp && !hasPasskey) return [];
  return [...(hasTotp ? ['totp'] : []), ...(hasPasskey ? ['passkey'] : []), ...(hasCodes ? ['recovery-code'] : [])];
}
