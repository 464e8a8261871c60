/** How often passwords may be tried. All rules go by the address that is typed, whether it has an account or not. */
import { MillraceError } from '../../../errors.ts';
import type { RateRule } from '../../../platform/rate-limits/rate-limits.ts';
import type { Needs } from '../users.ts';

const hour = 3600;
const day = 24 * hour;

const rules = {
  /** Wrong ones of one network, over all accounts. */
  network: { name: 'password by network', points: 100, seconds: hour / 6 },
  /** Wrong ones of one network for one account. */
  pair: { name: 'password by account and network', points: 10, seconds: hour },
  pairDaily: { name: 'password by account and network, daily', points: 30, seconds: day },
  /** Wrong ones for one account, of wherever it was never signed in (NIST SP 800-63B-4 §3.2.2: at most 100). */
  account: { name: 'password by account', points: 100, seconds: day },
  /** Wrong ones on a device on which the account was signed in. */
  device: { name: 'password by device', points: 10, seconds: hour / 4 },
  /** Of whoever is signed in. */
  current: { name: 'current password', points: 10, seconds: hour / 4 },
  signUp: { name: 'sign-up by network', points: 30, seconds: hour },
} satisfies Record<string, RateRule>;

/** A try that was let through. */
export interface PasswordTry {
  /** It was the right one, and does not count. */
  succeeded(): Promise<void>;
}

/**
 * Takes a try at an account's password. On a known device it is the device's own: whatever others try does not touch it.
 * @throws RATE_LIMITED
 */
export async function takeTry(ctx: Needs, email: string, device: string | undefined): Promise<PasswordTry> {
  const { limits } = ctx.accounts!;
  if (device !== undefined && (await isLet(limits.take(rules.device, device)))) {
    return { succeeded: () => limits.reset(rules.device, device) };
  }
  const { network } = ctx.client;
  const pair = pairOf(email, network);
  // @NOTE in this order: what one network may not try any more does not use up what all together may.
  await limits.take(rules.network, network);
  await limits.take(rules.pair, pair);
  await limits.take(rules.pairDaily, pair);
  await limits.take(rules.account, email);
  return {
    async succeeded() {
      await limits.giveBack(rules.network, network);
      await limits.reset(rules.pair, pair);
      await limits.reset(rules.pairDaily, pair);
      await limits.giveBack(rules.account, email);
    },
  };
}

/** Forgets the tries at an account, whose password is another one now. */
export async function forgetTries({ accounts }: Pick<Needs, 'accounts'>, email: string): Promise<void> {
  await accounts!.limits.reset(rules.account, email);
}

/** Takes a try at the password of whoever is signed in. @throws RATE_LIMITED */
export async function takeCurrentTry({ accounts }: Pick<Needs, 'accounts'>, userId: string): Promise<PasswordTry> {
  await accounts!.limits.take(rules.current, userId);
  return { succeeded: () => accounts!.limits.reset(rules.current, userId) };
}

/** Takes a sign-up of the network. @throws RATE_LIMITED */
export async function takeSignUp({ accounts, client }: Needs): Promise<void> {
  await accounts!.limits.take(rules.signUp, client.network);
}

const pairOf = (email: string, network: string) => `${email} ${network}`;

async function isLet(taken: Promise<void>): Promise<boolean> {
  try {
    await taken;
    return true;
  } catch (error) {
    if (error instanceof MillraceError && error.code === 'RATE_LIMITED') return false;
    throw error;
  }
}
