import { MillraceError } from '../../../errors.ts';
import type { Builder } from '../../../graphql/builder.ts';
import { type AccountFields, accountMutation, accountQuery, secret } from '../fields.ts';
import { delivered } from '../sessions/delivery.ts';
import { completeSignIn, secondFactorsOf } from '../sessions/sign-in.ts';
import { requireFresh } from '../viewers.ts';
import { beginFlow, takeExchange } from './flows.ts';
import { accountOfProfile, type Identity, linkIdentity, unlinkIdentity } from './identities.ts';

/** Adds signing in by other providers, and linking them to an account. */
export function oauthFields(builder: Builder, { types, typeName }: AccountFields): void {
  const provider = builder.objectRef<{ name: string; label: string }>(typeName('SignInProvider')).implement({
    description: 'Somebody else who vouches for people: Google, GitHub, the company’s own server.',
    fields: (t) => ({
      name: t.exposeString('name', { nullable: false, description: 'As it is named in addresses: `/auth/<name>`.' }),
      label: t.exposeString('label', { nullable: false, description: 'What a button may say.' }),
    }),
  });
  const start = builder.objectRef<{ url: string }>(typeName('ProviderSignIn')).implement({
    description: 'A sign-in at a provider that has begun.',
    fields: (t) => ({
      url: t.exposeString('url', { nullable: false, description: 'The provider’s page: send the browser there.' }),
    }),
  });
  const identity = builder.objectRef<Identity>(typeName('LinkedIdentity')).implement({
    description: 'Whom a provider knows the viewer by.',
    fields: (t) => ({
      id: t.exposeID('id', { nullable: false, description: 'As `authIdentities` lists it.' }),
      provider: t.exposeString('provider', { nullable: false, description: 'The provider’s name.' }),
      email: t.exposeString('email', { nullable: true, description: 'The address that the provider tells.' }),
    }),
  });
  const redirectTo = 'Where the sign-in ends: a page of PUBLIC_URL or CORS_ORIGINS, or one of `redirects`.';
  const challenge = 'The SHA-256 of a secret of the program’s own (43 to 128 characters), as base64url.';

  accountQuery(builder, 'signInProviders', 'everyone', (t) =>
    t.field({
      type: [provider],
      nullable: false,
      description: 'By whom one can sign in.',
      resolve: (_root, _args, { accounts }) =>
        Object.entries(accounts!.providers().providers).map(([name, { label = name }]) => ({ name, label })),
    }),
  );
  accountMutation(builder, 'startProviderSignIn', 'everyone', (t) =>
    t.field({
      type: start,
      nullable: false,
      description:
        'Begins a sign-in at a provider, for programs and pages of another origin. It ends at `redirectTo` with `code`, or `error`, in the fragment.',
      args: {
        provider: t.arg.string({ required: true, description: 'Of `signInProviders`.' }),
        redirectTo: t.arg.string({ required: true, description: redirectTo }),
        challenge: t.arg.string({ required: true, description: challenge }),
      },
      extensions: secret,
      resolve: async (_root, args, ctx) => ({ url: (await beginFlow(ctx, args)).href }),
    }),
  );
  accountMutation(builder, 'signInWithProvider', 'everyone', (t) =>
    t.field({
      type: types.signInResult,
      nullable: false,
      description: 'Signs in by the code that a sign-in at a provider has ended with. It is good once, for a minute.',
      args: {
        code: t.arg.string({ required: true, description: 'From the fragment.' }),
        verifier: t.arg.string({ required: true, description: 'The secret whose challenge began the sign-in.' }),
      },
      extensions: secret,
      resolve: async (_root, args, ctx) => {
        const { provider: method, profile } = await takeExchange(ctx, 'code', args);
        const { account, isNew } = await accountOfProfile(ctx, method, profile);
        return delivered(ctx, await completeSignIn(ctx, account, { method, amr: ['fed'], isFirst: isNew }));
      },
    }),
  );
  accountMutation(builder, 'startIdentityLink', 'signed-in', (t) =>
    t.field({
      type: start,
      nullable: false,
      description: 'Begins to link an account at a provider to the viewer’s own. Takes a fresh sign-in.',
      args: {
        provider: t.arg.string({ required: true, description: 'Of `signInProviders`.' }),
        redirectTo: t.arg.string({ required: true, description: redirectTo }),
        challenge: t.arg.string({ required: true, description: challenge }),
      },
      extensions: secret,
      resolve: async (_root, args, ctx) => {
        // @NOTE by the pool: the provider is asked next, which may take seconds, and the transaction would hold its connection.
        const pooled = { ...ctx, db: ctx.accounts!.db };
        const { id, session } = await requireFresh(pooled, (userId) => secondFactorsOf(pooled, userId));
        const url = await beginFlow(ctx, { ...args, link: { userId: id, sessionId: session.id } });
        return { url: url.href };
      },
    }),
  );
  accountMutation(builder, 'finishIdentityLink', 'signed-in', (t) =>
    t.field({
      type: identity,
      nullable: false,
      description:
        'Links the account at the provider that `startIdentityLink` has led to; in the same session alone. A guest becomes a person by it.',
      args: {
        code: t.arg.string({ required: true, description: 'From the fragment.' }),
        verifier: t.arg.string({ required: true, description: 'The secret whose challenge began it.' }),
      },
      extensions: secret,
      resolve: async (_root, args, ctx) => {
        const { id, session } = await requireFresh(ctx, (userId) => secondFactorsOf(ctx, userId));
        const taken = await takeExchange(ctx, 'link', args);
        if (taken.userId !== id || taken.sessionId !== session.id)
          throw new MillraceError('FORBIDDEN', 'Another session has begun this.');
        return linkIdentity(ctx, id, taken.provider, taken.profile);
      },
    }),
  );
  accountMutation(builder, 'unlinkIdentity', 'signed-in', (t) =>
    t.boolean({
      nullable: false,
      description:
        'Ends that an account at a provider signs the viewer in. Takes a fresh sign-in; the last way in stays.',
      args: { id: t.arg.id({ required: true, description: 'As `authIdentities` lists it.' }) },
      resolve: async (_root, args, ctx) => {
        const { id } = await requireFresh(ctx, (userId) => secondFactorsOf(ctx, userId));
        await unlinkIdentity(ctx, id, String(args.id));
        return true;
      },
    }),
  );
}
