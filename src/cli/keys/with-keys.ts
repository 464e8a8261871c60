import type { Config } from '../../config/config.ts';
import { openDatabase } from '../../platform/db.ts';
import { openLog } from '../../platform/log.ts';
import { openSecrets } from '../../platform/secrets.ts';
import { discardSigningKeys, openSigningKeys, type SigningKeys } from '../../platform/signing-keys.ts';
import { withProjectDatabase } from '../project-database.ts';

/** Seconds, more than any access token lives: a retired key stays as long as the application may want. */
const maxTokenAge = 86_400;

/** Works with the project's signing keys, made where there are none; with `discard` all of them are new. */
export async function withKeys<T>(
  config: Config,
  { discard }: { discard: boolean },
  work: (keys: SigningKeys) => Promise<T>,
): Promise<T> {
  return withProjectDatabase(config, async (url) => {
    const secrets = await openSecrets(config.secrets);
    const log = openLog(config.logLevel);
    const options = { url, size: 2, statementTimeout: config.pool.statementTimeout };
    await using db = openDatabase(options, { onError: (err) => log.warn({ err }, 'a database connection broke') });
    if (discard) await discardSigningKeys(db, secrets);
    using keys = await openSigningKeys({ db, secrets, log, maxTokenAge });
    return await work(keys);
  });
}
