import type { Builder } from '../../../graphql/builder.ts';
import { type AccountFields, accountMutation, secret } from '../fields.ts';
import { delivered } from '../sessions/delivery.ts';
import { completeSecondFactor, reauthenticate } from './second-factor.ts';

/** Adds what is asked besides a first factor, and again. */
export function factorFields(builder: Builder, { types }: AccountFields): void {
  accountMutation(builder, 'completeSecondFactor', 'everyone', (t) =>
    t.field({
      type: types.signInResult,
      nullable: false,
      description:
        'Completes a sign-in that asked for a second factor. Exactly one of code, recovery code and passkey is given.',
      args: {
        token: t.arg.string({
          required: true,
          description: '`secondFactor.token` of the sign-in. Good for five tries.',
        }),
        code: t.arg.string({ description: 'What the authenticator app shows.' }),
        recoveryCode: t.arg.string({ description: 'One of the recovery codes; it is used up.' }),
        passkey: t.arg({
          type: 'JSON',
          description:
            'What `navigator.credentials.get` answered to `startPasskeySignIn(secondFactorToken:)`, as JSON.',
        }),
      },
      extensions: secret,
      resolve: async (_root, args, ctx) => delivered(ctx, await completeSecondFactor(ctx, args)),
    }),
  );
  accountMutation(builder, 'reauthenticate', 'signed-in', (t) =>
    t.boolean({
      nullable: false,
      description:
        'Proves once more who one is, for what takes a fresh proof: for ten minutes. Whoever has a second factor shows that one. Exactly one of the arguments is given.',
      args: {
        password: t.arg.string({ description: 'The password, where there is no second factor.' }),
        code: t.arg.string({ description: 'What the authenticator app shows.' }),
        passkey: t.arg({
          type: 'JSON',
          description:
            'What `navigator.credentials.get` answered to `startPasskeySignIn(reauthenticate: true)`, as JSON.',
        }),
      },
      extensions: secret,
      resolve: async (_root, args, ctx) => {
        await reauthenticate(ctx, args);
        return true;
      },
    }),
  );
}
