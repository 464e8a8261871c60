import type { Builder } from '../../../graphql/builder.ts';
import { type AccountFields, accountMutation, secret } from '../fields.ts';
import { delivered } from '../sessions/delivery.ts';
import { signInAsGuest } from './guest.ts';
import { confirmGuestUpgrade, type GuestUpgrade, type UpgradedGuest, upgradeGuest } from './upgrade.ts';

/** Adds the way in for whoever does not say who they are. */
export function guestFields(builder: Builder, fields: AccountFields): void {
  const { types } = fields;
  accountMutation(builder, 'signInAsGuest', 'everyone', (t) =>
    t.field({
      type: types.signInResult,
      nullable: false,
      description:
        'Makes a user who has not said who they are, and signs them in. `upgradeGuest` makes a person of them.',
      extensions: secret,
      resolve: async (_root, _args, ctx) => delivered(ctx, await signInAsGuest(ctx)),
    }),
  );
  upgradeFields(builder, fields);
}

function upgradeFields(builder: Builder, { types, typeName }: AccountFields): void {
  const input = builder.inputRef<GuestUpgrade>(typeName('UpgradeGuestInput')).implement({
    description: 'Who a guest says that they are.',
    fields: (t) => ({
      email: t.string({ required: true, description: 'The address that will sign in.' }),
      password: t.string({ required: true, description: 'The password that will.' }),
      name: t.string({ description: 'What the user is called.' }),
      redirectTo: t.string({
        description:
          'The page that the link of the mail leads to, with `#for=upgrade-guest&token=…`: give that to `confirmGuestUpgrade`.',
      }),
    }),
  });
  const result = builder.objectRef<UpgradedGuest>(typeName('UpgradeGuestResult')).implement({
    description: 'What comes of a guest who says who they are.',
    fields: (t) => ({
      signIn: t.field({
        type: types.signInResult,
        nullable: true,
        description: 'The new session, where addresses need not be verified first.',
        resolve: ({ signIn }) => signIn,
      }),
      verificationSent: t.exposeBoolean('verificationSent', {
        nullable: false,
        description: 'A mail is on its way.',
      }),
    }),
  });
  accountMutation(builder, 'upgradeGuest', 'signed-in', (t) =>
    t.field({
      type: result,
      nullable: false,
      description:
        'Makes a person of a guest, who keeps their key and rows, once the link of a mail is followed. The answer is the same whether or not the address has an account.',
      args: { input: t.arg({ type: input, required: true, description: 'Who they are.' }) },
      extensions: secret,
      resolve: async (_root, args, ctx) => {
        const { signIn, verificationSent } = await upgradeGuest(ctx, args.input);
        return { signIn: signIn && delivered(ctx, signIn), verificationSent };
      },
    }),
  );
  accountMutation(builder, 'confirmGuestUpgrade', 'signed-in', (t) =>
    t.field({
      type: types.signInResult,
      nullable: false,
      description:
        'Makes a person of the guest who asks, by the link of the mail. Their sessions end, and a new one begins.',
      args: { token: t.arg.string({ required: true, description: 'Of the mail; good once.' }) },
      extensions: secret,
      resolve: async (_root, { token }, ctx) => delivered(ctx, await confirmGuestUpgrade(ctx, token)),
    }),
  );
}
