/**
 * The accounts of an installation: what all their services are made of, built once. Who holds what: the public tables tell who has
 * signed in and how (readable by rule, captured by the log), the hidden ones hold what must not be read (see `tables.ts`).
 */
import { AsyncDisposableStack } from '@whatwg-node/disposablestack';
import type { AccountsConfig, Config } from '../../config/config.ts';
import { MillraceError } from '../../errors.ts';
import type { LogTail } from '../../log/tail.ts';
import type { Database } from '../../platform/db.ts';
import type { Logger } from '../../platform/log.ts';
import type { Mailing } from '../../platform/mail/open-mail.ts';
import { openRateLimits } from '../../platform/rate-limits/open.ts';
import type { RateLimits } from '../../platform/rate-limits/rate-limits.ts';
import type { Secrets } from '../../platform/secrets.ts';
import type { SigningKeys } from '../../platform/signing-keys.ts';
import type { Tokens } from '../../platform/tokens.ts';
import type { Viewer } from '../../viewer.ts';
import { createKeyViewers } from './api-keys/key-viewer.ts';
import { handleMails } from './mail/mail-kinds.ts';
import { createProviderClients, type ProviderClients } from './oauth/discovery.ts';
import { createHasher, type Hasher } from './password/hasher.ts';
import { createPasswordPolicy, type ReadNewPassword } from './password/password-policy.ts';
import type { AccountsPlan } from './plan.ts';
import { installTables, sweepExpired } from './tables.ts';
import { openViewerStates, type ViewerStates } from './viewer-states.ts';
import { viewerOfSession } from './viewers.ts';

/** Seconds that the longest-lived access token may live: an hour, whatever app/accounts.ts says. */
export const maxTokenAge = 3600;

/** What accounts are built on. */
export interface AccountsParts {
  /** The pool: for what is read before slow work, and for what is kept though the operation fails. */
  db: Database;
  tokens: Tokens;
  keys: SigningKeys;
  secrets: Secrets;
  mailing: Mailing;
  log: Logger;
}

/** The accounts that are served. */
export interface Accounts extends AccountsParts, AsyncDisposable {
  readonly config: AccountsConfig;
  readonly limits: RateLimits;
  readonly hasher: Hasher;
  readonly readNewPassword: ReadNewPassword;
  /** What the application says of them; another one after a reload. */
  readonly plan: AccountsPlan;
  readonly states: ViewerStates;
  /** The address of this installation, for links. @throws UNAVAILABLE where nobody has said it */
  publicUrl(): URL;
  /** Where pages may be that a sign-in ends at: an origin of ours, one of CORS_ORIGINS, or one that app/accounts.ts names. */
  isOwnPage(url: URL): boolean;
  /** The providers that sign in; others after a reload. */
  providers(): ProviderClients;
  /** The viewer of a token of a session. @throws UNAUTHENTICATED when it has ended */
  viewerOf(claims: Readonly<Record<string, unknown>>): Promise<Viewer>;
  /** The viewer of an API key. @throws UNAUTHENTICATED when it is none, or has ended */
  viewerOfKey(text: string): Promise<Viewer>;
  /** The same viewer as they are now. @throws UNAUTHENTICATED when what they asked by has ended */
  renewed(viewer: Viewer): Promise<Viewer>;
  /** Runs what the application wants to be told after the fact; what fails there is logged, and concerns nobody else. */
  runHook(name: string, work: () => unknown): void;
}

/** Opens the accounts: makes their tables where they are missing. @param plan asked anew at each use */
export async function openAccounts(
  { accounts: config, bus }: Pick<Config, 'accounts' | 'bus'>,
  parts: AccountsParts,
  tail: LogTail,
  plan: () => AccountsPlan,
): Promise<Accounts> {
  const { db, secrets, log } = parts;
  await using stack = new AsyncDisposableStack();
  await installTables(db, plan());
  stack.use(sweepExpired(db));
  const states = stack.use(openViewerStates({ db, tail, plan: plan() }));
  const limits = stack.use(openRateLimits(bus, secrets.derive('limits'), log));
  const keyViewers = createKeyViewers(db, states, plan);
  const hasher = createHasher(config.hashing);
  const origins = new Set(config.origins);
  const providers = providersOf(plan, log);
  const owned = stack.move();
  const accounts: Accounts = {
    ...parts,
    config,
    limits,
    hasher,
    readNewPassword: createPasswordPolicy(),
    get plan() {
      return plan();
    },
    states,
    publicUrl() {
      if (config.publicUrl !== undefined) return new URL(config.publicUrl);
      throw new MillraceError('UNAVAILABLE', 'this server does not know its own address: PUBLIC_URL is not set');
    },
    isOwnPage(url) {
      const { redirects = [] } = plan().definition;
      if (redirects.includes(url.href)) return true;
      return (
        (config.publicUrl !== undefined && url.origin === new URL(config.publicUrl).origin) ||
        (/^https?:$/.test(url.protocol) && origins.has(url.origin))
      );
    },
    providers,
    viewerOf: (claims) => viewerOfSession(claims, { states, plan: plan() }),
    viewerOfKey: keyViewers.ofText,
    async renewed(viewer) {
      if (viewer.apiKeyPrefix !== undefined) return keyViewers.ofPrefix(viewer.apiKeyPrefix);
      return viewer.token ? viewerOfSession(viewer.token, { states, plan: plan() }) : viewer;
    },
    runHook(name, work) {
      void Promise.resolve()
        .then(work)
        .catch((error: unknown) => log.error({ err: error }, `the hook ${name} failed`));
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
  handleMails(accounts);
  if (config.publicUrl === undefined)
    log.warn('PUBLIC_URL is not set: there are no links in mails, no sign-in by other providers and no passkeys');
  if (!parts.mailing.queue) log.info('SMTP_URL is not set: whatever takes a mail is refused');
  return accounts;
}

/** What was learnt of providers lasts as long as what the application says of them. */
function providersOf(plan: () => AccountsPlan, log: Logger): () => ProviderClients {
  let known: { plan: AccountsPlan; clients: ProviderClients } | undefined;
  return () => {
    const current = plan();
    if (known?.plan !== current)
      known = { plan: current, clients: createProviderClients(current.definition.providers ?? {}, { log }) };
    return known.clients;
  };
}
