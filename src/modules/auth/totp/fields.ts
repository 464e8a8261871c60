import type { Builder } from '../../../graphql/builder.ts';
import { type AccountFields, accountMutation, secret } from '../fields.ts';
import { confirmTotp, removeTotp, renewRecoveryCodes, startTotp } from './authenticator-app.ts';
import type { TotpSecret } from './totp.ts';

/** Adds authenticator apps and recovery codes. */
export function totpFields(builder: Builder, { typeName }: AccountFields): void {
  const totpSecret = builder.objectRef<TotpSecret>(typeName('TotpSecret')).implement({
    description: 'What an authenticator app is given. It is told once, and cannot be read again.',
    fields: (t) => ({
      secret: t.exposeString('secret', { nullable: false, description: 'To be typed into the app (Base32).' }),
      uri: t.exposeString('uri', {
        nullable: false,
        description: 'An `otpauth://` address, to be shown as a QR code.',
      }),
    }),
  });
  accountMutation(builder, 'startTotp', 'signed-in', (t) =>
    t.field({
      type: totpSecret,
      nullable: false,
      description:
        'Begins to set up an authenticator app (RFC 6238). Nothing is asked of it before `confirmTotp`. Takes a fresh proof of who one is.',
      extensions: secret,
      resolve: (_root, _args, ctx) => startTotp(ctx),
    }),
  );
  accountMutation(builder, 'confirmTotp', 'signed-in', (t) =>
    t.stringList({
      nullable: false,
      description:
        'Sets the app up by a code of it: from now on, signing in asks for one. Answers the recovery codes, which are told once; an empty list where there are some already.',
      args: { code: t.arg.string({ required: true, description: 'What the app shows.' }) },
      extensions: secret,
      resolve: (_root, { code }, ctx) => confirmTotp(ctx, code),
    }),
  );
  accountMutation(builder, 'removeTotp', 'signed-in', (t) =>
    t.boolean({
      nullable: false,
      description: 'Removes the authenticator app; false where there was none. Takes a fresh proof of who one is.',
      resolve: (_root, _args, ctx) => removeTotp(ctx),
    }),
  );
  accountMutation(builder, 'renewRecoveryCodes', 'signed-in', (t) =>
    t.stringList({
      nullable: false,
      description: 'Ten new recovery codes, each good once, in the place of all others. They are told once.',
      extensions: secret,
      resolve: (_root, _args, ctx) => renewRecoveryCodes(ctx),
    }),
  );
}
