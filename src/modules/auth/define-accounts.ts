/** What an application says of its accounts, in app/accounts.ts. */
import type { Prisma } from '../../generated/prisma/client.ts';
import type { Viewer } from '../../viewer.ts';
import type { Provider } from './oauth/provider.ts';
import type { RoleTable } from './roles.ts';

export { MillraceError } from '../../errors.ts';
export type { Viewer } from '../../viewer.ts';

/** Whoever signs up, as hooks are told of them. */
export interface NewUser {
  /** Undefined for a guest, and where a provider tells none. */
  email: string | undefined;
  name: string | undefined;
  /** What the client has sent besides: nothing of it is believed. */
  profile: Readonly<Record<string, unknown>>;
  /** The way in: `password`, `link`, `guest`, `admin`, `organization`, or a provider's name. */
  method: string;
}

/** An account, as hooks are told of it. */
export interface KnownAccount {
  userId: string;
  email: string | undefined;
  isEmailVerified: boolean;
  isGuest: boolean;
  roles: readonly string[];
}

/** A sign-in that has succeeded. */
export interface SignedIn extends KnownAccount {
  sessionId: string;
  method: string;
  isFirst: boolean;
}

/** What a mail says. */
export interface MailText {
  subject: string;
  text: string;
  /** Made of the text unless said. */
  html?: string;
}

/** What a template may use. Which of them are there depends on the mail. */
export interface MailFacts {
  /** The application's name. */
  app: string;
  email: string;
  link?: string;
  code?: string;
  /** Minutes for which link or code are good. */
  minutes?: number;
  /** What happened, in a notice. */
  event?: string;
  organization?: string;
}

/** Rows of the users', which go with their account. */
type PersonalData = Prisma.TypeMap['model'] extends infer Models
  ? {
      readonly [M in keyof Models]?: (
        userId: string,
      ) => Models[M] extends { operations: { findMany: { args: { where?: infer W } } } } ? NonNullable<W> : never;
    }
  : never;

type UserInput = Prisma.TypeMap['model'] extends { User: { operations: { create: { args: { data: infer D } } } } }
  ? D
  : Record<string, unknown>;

/** Everything that an application may say; what it does not has a default. */
export interface AccountsDefinition {
  /** What the application is called, in mails and in authenticator apps. */
  name?: string;
  /** Another model than `User` for the application's users. */
  userModel?: string;
  /** What a new user's row is made of; `email` and `name`, where the model has them, unless said. */
  user?: (user: NewUser) => Partial<UserInput> & Record<string, unknown>;
  /** Who may sign up: everybody, those who were invited (to an organisation, or by an admin), or nobody. */
  signUp?: 'open' | 'invited' | 'closed';
  /** Whether guests are let in. */
  guests?: boolean;
  /** Roles and what they inherit; with it, no other can be given. */
  roles?: RoleTable;
  /** Roles of whoever signs up. */
  defaultRoles?: readonly string[];
  /** Other providers that sign in, by the names they have in addresses. Ready ones are in `millrace/providers`. */
  providers?: Readonly<Record<string, Provider>>;
  /** Where sign-ins may end, besides pages of PUBLIC_URL's and CORS_ORIGINS' origins: `com.example.app://signed-in`. */
  redirects?: readonly string[];
  /** Passwords: how long at least. 15 unless said, and 8 with a second factor. */
  password?: { minLength?: number };
  /** How long sessions last. */
  session?: { accessMinutes?: number; idleDays?: number; maxDays?: number };
  /** Whether a new password is of use before its address is verified; false tells whoever signs up whether an address is taken. */
  verifyEmail?: boolean;
  /** Asked before an account is made: a text refuses it. */
  beforeSignUp?: (user: NewUser) => string | undefined | void | Promise<string | undefined | void>;
  /** Told after a sign-in has been committed. */
  afterSignIn?: (signedIn: SignedIn) => void | Promise<void>;
  /** Further claims of a new access token, for rules (`viewer.claims`) and for others who verify it. */
  claims?: (account: KnownAccount) => Record<string, unknown> | Promise<Record<string, unknown>>;
  /** Mails in words of one's own, by kind. */
  mails?: Readonly<Record<string, ((facts: MailFacts) => MailText) | undefined>>;
  /** Which rows are a user's own: these are exported for them, and deleted with them. */
  personalData?: PersonalData;
}

/** What app/accounts.ts exports. */
export type AccountsSource = (given: { env: Readonly<Record<string, string | undefined>> }) => AccountsDefinition;

/** Declares how people sign in; the default export of app/accounts.ts. `env` is the environment with what .env adds. */
export function defineAccounts(definition: AccountsDefinition | AccountsSource): AccountsSource {
  return typeof definition === 'function' ? definition : () => definition;
}

/** Whether the viewer has a role, also by inheritance; the admin role has all. */
export const hasRole = (viewer: Viewer, role: string): boolean => viewer.isAdmin || viewer.roles.includes(role);
