import { createApplication, readSources } from '../../application.ts';
import type { Client } from '../../client.ts';
import type { Config } from '../../config/config.ts';
import { StartupError } from '../../errors.ts';
import { changeRoles } from '../../modules/auth/admin/roles.ts';
import { recordEvent } from '../../modules/auth/audit.ts';
import { readEmailAddress } from '../../modules/auth/email-address.ts';
import { accountsFile } from '../../modules/auth/plan.ts';
import { findAccountByEmail } from '../../modules/auth/users.ts';
import { openDatabase } from '../../platform/db.ts';
import { openLog } from '../../platform/log.ts';
import { stranger } from '../../viewer.ts';
import { withProjectDatabase } from '../project-database.ts';

/** Gives the account of an address a role, or takes it away; resolves to the roles that it has then. */
export async function changeRole(
  config: Config,
  { email, role, remove }: { email: string; role: string; remove: boolean },
): Promise<readonly string[]> {
  const { accounts: plan } = createApplication(await readSources(config.root), config.graphql);
  if (!plan) throw new StartupError('This project has no accounts.', `Bring ${accountsFile} back.`);
  const address = readEmailAddress(email);
  return withProjectDatabase(config, async (url) => {
    const log = openLog(config.logLevel);
    const options = { url, size: 2, statementTimeout: config.pool.statementTimeout };
    await using db = openDatabase(options, { onError: (err) => log.warn({ err }, 'a database connection broke') });
    const account = await findAccountByEmail(db, address);
    if (!account) throw new StartupError(`${address} has no account.`, 'Sign up first, or have an admin make one.');
    // Whoever has made it may be somebody else, who waits for this.
    if (!account.isEmailVerified && !remove)
      throw new StartupError(`${address} was never verified.`, 'Have its owner follow the link of a mail first.');
    const { userId } = account;
    return await db.transaction(async (tx) => {
      const next = (roles: readonly string[]) => [...roles.filter((one) => one !== role), ...(remove ? [] : [role])];
      const { roles } = await changeRoles(tx, plan, userId, next);
      const to = next(roles);
      await recordEvent({ viewer: stranger, client: terminal }, tx, 'roles-changed', {
        userId,
        details: { from: roles, to, by: 'npx millrace role' },
        isTraceless: true,
      });
      return to;
    });
  });
}

/** Where whoever types the command is. */
const terminal: Client = {
  transport: 'http',
  address: '',
  network: '',
  userAgent: undefined,
  origin: undefined,
  host: undefined,
  wantsCookies: false,
  cookies: () => ({}),
};
