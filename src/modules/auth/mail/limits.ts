import type { RateRule } from '../../../platform/rate-limits/rate-limits.ts';
import type { Needs } from '../users.ts';

const hour = 3600;

/** @NOTE every rule goes by the address that is typed, whether it has an account or not: a limit must not tell. */
const rules = {
  pair: { name: 'mails by address and network', points: 5, seconds: hour },
  address: { name: 'mails by address', points: 20, seconds: 24 * hour },
  network: { name: 'mails by network', points: 50, seconds: hour },
  account: { name: 'mails by account', points: 10, seconds: hour },
  /** Wrong codes, over all challenges. */
  codes: { name: 'codes by network', points: 60, seconds: hour / 6 },
} satisfies Record<string, RateRule>;

/** Takes one mail to an address. @throws RATE_LIMITED when too many were asked for, to it or from this network */
export async function takeMail({ accounts, client }: Needs, email: string): Promise<void> {
  const { limits } = accounts!;
  // @NOTE in this order: what one network may not ask for any more does not use up what all together may.
  await limits.take(rules.network, client.network);
  await limits.take(rules.pair, `${email} ${client.network}`);
  await limits.take(rules.address, email);
}

/** Takes one mail that an account has sent to another address. @throws RATE_LIMITED */
export async function takeOwnMail({ accounts }: Needs, userId: string): Promise<void> {
  await accounts!.limits.take(rules.account, userId);
}

/** Takes one try at a code. @throws RATE_LIMITED */
export async function takeCodeTry({ accounts, client }: Needs): Promise<void> {
  await accounts!.limits.take(rules.codes, client.network);
}

/** Gives back a try that was right. */
export async function giveBackCodeTry({ accounts, client }: Needs): Promise<void> {
  await accounts!.limits.giveBack(rules.codes, client.network);
}
