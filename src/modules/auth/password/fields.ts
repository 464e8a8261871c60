import type { Builder } from '../../../graphql/builder.ts';
import { type AccountFields, accountMutation, secret } from '../fields.ts';
import { delivered } from '../sessions/delivery.ts';
import type { SignInResult } from '../sessions/sign-in.ts';
import type { Needs } from '../users.ts';
import { changePassword, requestPasswordReset, resetPassword } from './change-password.ts';
import { deliverDeviceToken } from './known-device.ts';
import { type PasswordSignedIn, signIn } from './sign-in.ts';
import { completeSignUp, signUp } from './sign-up.ts';

/** What `signUp` answers. */
interface SignUpAnswer {
  signIn: SignInResult | null;
  verificationSent: boolean;
}

/** Adds what passwords do: signing up and in, changing one, and getting a new one. */
export function passwordFields(builder: Builder, { types, typeName }: AccountFields): void {
  const signUpResult = builder.objectRef<SignUpAnswer>(typeName('SignUpResult')).implement({
    description: 'What comes of signing up.',
    fields: (t) => ({
      signIn: t.field({
        type: types.signInResult,
        nullable: true,
        description: 'There where an address need not be verified first; null otherwise, whoever has it.',
        resolve: (result) => result.signIn,
      }),
      verificationSent: t.exposeBoolean('verificationSent', {
        nullable: false,
        description: 'A mail is on its way to the address: with a link, or, where it has an account, saying so.',
      }),
    }),
  });
  const signUpInput = builder.inputType(typeName('SignUpInput'), {
    description: 'Somebody who wants an account.',
    fields: (t) => ({
      email: t.string({ required: true, description: 'The address that will sign in.' }),
      password: t.string({
        required: true,
        description: 'At least 15 characters, any of them; none of those that are tried first.',
      }),
      name: t.string({ description: 'What they are called; one line of at most 100 characters.' }),
      profile: t.field({
        type: typeName('JSON') as 'JSON',
        description: 'An object for the application’s own code in app/accounts.ts, which decides what of it is kept.',
      }),
      redirectTo: t.string({ description: 'The page that the link in the mail leads to: one of the application’s.' }),
    }),
  });
  const email = 'The address that signs in.';

  accountMutation(builder, 'signUp', 'everyone', (t) =>
    t.field({
      type: signUpResult,
      nullable: false,
      description:
        'Begins an account. The answer is the same for an address that has one: what there is to know stands in the mail.',
      args: { input: t.arg({ type: signUpInput, required: true, description: 'Who.' }) },
      extensions: secret,
      resolve: async (_root, { input }, ctx) => {
        const { verificationSent, signIn: signedIn } = await signUp(ctx, input);
        return { verificationSent, signIn: signedIn && told(ctx, signedIn) };
      },
    }),
  );
  accountMutation(builder, 'completeSignUp', 'everyone', (t) =>
    t.field({
      type: types.signInResult,
      nullable: false,
      description: 'Makes the account that was begun with `signUp`, and signs in.',
      args: {
        token: t.arg.string({ required: true, description: 'Of the link in the mail.' }),
        password: t.arg.string({ required: true, description: 'The one that it was begun with.' }),
      },
      extensions: secret,
      resolve: async (_root, { token, password }, ctx) => told(ctx, await completeSignUp(ctx, token, password)),
    }),
  );
  accountMutation(builder, 'signIn', 'everyone', (t) =>
    t.field({
      type: types.signInResult,
      nullable: false,
      description: 'Signs in by password. An unknown address and a wrong password are answered alike.',
      args: {
        email: t.arg.string({ required: true, description: email }),
        password: t.arg.string({ required: true, description: 'Its password.' }),
        deviceToken: t.arg.string({
          description: 'What an earlier sign-in on this device has told; left out where a cookie carries it.',
        }),
      },
      extensions: secret,
      resolve: async (_root, input, ctx) => told(ctx, await signIn(ctx, input)),
    }),
  );
  accountMutation(builder, 'changePassword', 'signed-in', (t) =>
    t.boolean({
      nullable: false,
      description: 'Gives the viewer a new password, and ends their other sessions.',
      args: {
        current: t.arg.string({
          description: 'The password so far. Without it the session has to be fresh: signed in within ten minutes.',
        }),
        newPassword: t.arg.string({
          required: true,
          description: 'At least 15 characters, or 8 where the account has a second factor.',
        }),
      },
      // @NOTE under a key a plain hash of what was sent would be kept: a password is quickly guessed by it.
      extensions: secret,
      resolve: async (_root, { current, newPassword }, ctx) => {
        await changePassword(ctx, current, newPassword);
        return true;
      },
    }),
  );
  accountMutation(builder, 'requestPasswordReset', 'everyone', (t) =>
    t.boolean({
      nullable: false,
      description:
        'Has a link for a new password sent to the address, if it has an account. True whether it has or not.',
      args: {
        email: t.arg.string({ required: true, description: email }),
        redirectTo: t.arg.string({ description: 'The page that the link leads to: one of the application’s.' }),
      },
      resolve: async (_root, { email: address, redirectTo }, ctx) => {
        await requestPasswordReset(ctx, address, redirectTo);
        return true;
      },
    }),
  );
  accountMutation(builder, 'resetPassword', 'everyone', (t) =>
    t.boolean({
      nullable: false,
      description:
        'Sets a new password by the link of `requestPasswordReset`, and ends all sessions. It signs nobody in: `signIn` does, and asks for the second factor.',
      args: {
        token: t.arg.string({ required: true, description: 'Of the link in the mail; good once.' }),
        newPassword: t.arg.string({
          required: true,
          description: 'At least 15 characters, or 8 where the account has a second factor.',
        }),
      },
      extensions: secret,
      resolve: async (_root, { token, newPassword }, ctx) => {
        await resetPassword(ctx, token, newPassword);
        return true;
      },
    }),
  );
}

/** A sign-in as it is answered: cookies carry what they can. */
const told = (ctx: Needs, signedIn: PasswordSignedIn): SignInResult => ({
  ...delivered(ctx, signedIn),
  deviceToken: deliverDeviceToken(ctx, signedIn.deviceToken),
});
