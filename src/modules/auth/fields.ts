/** What the fields of accounts have in common. */
import type { Context } from '../../context.ts';
import { MillraceError } from '../../errors.ts';
import type { Builder, BuilderTypes } from '../../graphql/builder.ts';
import type { Viewer } from '../../viewer.ts';
import type { SessionTokens } from './sessions/session.ts';
import type { SecondFactorRequest, SignInResult } from './sessions/sign-in.ts';

type Types = PothosSchemaTypes.ExtendDefaultTypes<BuilderTypes>;
type MutationBuilder = PothosSchemaTypes.MutationFieldBuilder<Types, Types['Root']>;
type QueryBuilder = PothosSchemaTypes.QueryFieldBuilder<Types, Types['Root']>;

/** Who may use a field at all. */
export type FieldAccess = 'everyone' | 'signed-in' | ((viewer: Viewer) => boolean);

/** Types that several rooms of accounts use. */
export interface AccountFields {
  types: ReturnType<typeof sharedTypes>;
  /** Names of types, where the application has not taken them. */
  typeName: (name: string) => string;
}

/** Extensions of a field that answers secrets, or is sent what can be guessed by a hash of it, as passwords: it is neither kept under a key nor previewed. */
export const secret = { secret: true } as const;

/** Only for the admin role: that stands above `access`, so nobody else is let in. */
export const adminOnly = (): boolean => false;

/** Adds a mutation of accounts, in front of which stands what is asked of all of them. */
export function accountMutation(
  builder: Builder,
  name: string,
  access: FieldAccess,
  define: (t: MutationBuilder) => unknown,
): void {
  builder.mutationField(name, (t) => define(accountField(t, name, access)) as never);
}

/** Adds a query of accounts. */
export function accountQuery(
  builder: Builder,
  name: string,
  access: FieldAccess,
  define: (t: QueryBuilder) => unknown,
): void {
  builder.queryField(name, (t) => define(accountField(t, name, access)) as never);
}

interface FieldOptions {
  extensions?: object;
  resolve: (root: unknown, args: unknown, context: Context, info: unknown) => unknown;
}

/** What an admin may do while acting as somebody else: see as whom, and stop. */
const whileActing: readonly string[] = ['me', 'signOut'];

/** The same field builder, whose fields are open to `access`, and refuse where accounts are not served. */
function accountField<T extends object>(t: T, name: string, access: FieldAccess): T {
  return new Proxy(t, {
    get(target, key) {
      const member: unknown = Reflect.get(target, key);
      if (typeof member !== 'function' || key === 'arg') return member;
      return (options: FieldOptions) => {
        const { resolve, extensions } = options;
        return (member as (options: FieldOptions) => unknown).call(target, {
          ...options,
          extensions: { ...extensions, access, account: true },
          resolve: (root, args, context, info) => {
            if (!context.accounts) throw new MillraceError('UNAVAILABLE', 'accounts are not served here');
            // @NOTE here, in front of every field there will ever be: none may forget it.
            if (context.viewer.session?.impersonatorId !== undefined && !whileActing.includes(name))
              throw new MillraceError('FORBIDDEN', 'not while acting as somebody else');
            if (context.judged) throw new MillraceError('INVALID_INPUT', 'what concerns accounts cannot be previewed');
            return resolve(root, args, context, info);
          },
        });
      };
    },
  });
}

/** Makes the types that signing in answers with. */
export function sharedTypes(builder: Builder, typeName: (name: string) => string) {
  const sessionTokens = builder.objectRef<SessionTokens>(typeName('SessionTokens')).implement({
    description: 'A session, and the tokens that speak for it. Where cookies carry them, the tokens are null.',
    fields: (t) => ({
      sessionId: t.exposeID('sessionId', { nullable: false, description: 'As `authSessions` lists it.' }),
      userId: t.exposeID('userId', { nullable: false, description: 'Who has signed in.' }),
      accessToken: t.exposeString('accessToken', {
        nullable: true,
        description: 'Sent with each request: `Authorization: Bearer …`.',
      }),
      expiresAt: t.field({
        type: 'DateTime',
        nullable: false,
        description: 'When the access token expires: refresh the session before.',
        resolve: ({ expiresAt }) => expiresAt.toISOString(),
      }),
      refreshToken: t.exposeString('refreshToken', {
        nullable: true,
        description: 'Given to `refreshSession`, once. Keep it as you would a password.',
      }),
      refreshExpiresAt: t.field({
        type: 'DateTime',
        nullable: true,
        description: 'When the session ends unless it is refreshed before.',
        resolve: ({ refreshExpiresAt }) => refreshExpiresAt?.toISOString(),
      }),
    }),
  });
  const secondFactor = builder.objectRef<SecondFactorRequest>(typeName('SecondFactorRequest')).implement({
    description: 'A sign-in that waits for a second factor.',
    fields: (t) => ({
      token: t.exposeString('token', {
        nullable: false,
        description: 'Given to `completeSecondFactor`; good for nothing else.',
      }),
      methods: t.exposeStringList('methods', {
        nullable: false,
        description: 'What will do: `totp`, `passkey`, `recovery-code`.',
      }),
      expiresAt: t.field({
        type: 'DateTime',
        nullable: false,
        description: 'Until when.',
        resolve: ({ expiresAt }) => expiresAt.toISOString(),
      }),
    }),
  });
  const signInResult = builder.objectRef<SignInResult>(typeName('SignInResult')).implement({
    description: 'What comes of signing in: a session, or the request for a second factor. One of both is null.',
    fields: (t) => ({
      session: t.field({
        type: sessionTokens,
        nullable: true,
        description: 'The session that has begun.',
        resolve: ({ session }) => session,
      }),
      secondFactor: t.field({
        type: secondFactor,
        nullable: true,
        description: 'What has to be shown first.',
        resolve: (result) => result.secondFactor,
      }),
      deviceToken: t.exposeString('deviceToken', {
        nullable: true,
        description:
          'Of a sign-in by password: keep it on the device and give it to `signIn`, so that what others try at the account does not shut its owner out. Null where a cookie carries it.',
      }),
    }),
  });
  return { sessionTokens, secondFactor, signInResult };
}
