import type { Builder } from '../../../graphql/builder.ts';
import { type AccountFields, accountMutation, secret } from '../fields.ts';
import { delivered } from '../sessions/delivery.ts';
import {
  finishRegistration,
  type MadePasskey,
  removePasskey,
  renamePasskey,
  signInWithPasskey,
  startPasskey,
  startRegistration,
} from './passkeys.ts';

/** Adds passkeys. */
export function passkeyFields(builder: Builder, { types, typeName }: AccountFields): void {
  const made = builder.objectRef<MadePasskey>(typeName('NewPasskey')).implement({
    description: 'A passkey that was made.',
    fields: (t) => ({
      id: t.exposeID('id', { nullable: false, description: 'As `authPasskeys` lists it.' }),
      name: t.exposeString('name', { nullable: false, description: 'What its owner calls it.' }),
      isBackedUp: t.exposeBoolean('isBackedUp', { nullable: false, description: 'It is kept in more than one place.' }),
      recoveryCodes: t.stringList({
        nullable: false,
        description:
          'Ten codes for when it is lost, each good once, which are told once: with the first second factor of an account. Empty otherwise.',
        resolve: ({ recoveryCodes }) => [...recoveryCodes],
      }),
    }),
  });
  accountMutation(builder, 'startPasskeyRegistration', 'signed-in', (t) =>
    t.field({
      type: 'JSON',
      nullable: false,
      description:
        'Begins to make a passkey: what `PublicKeyCredential.parseCreationOptionsFromJSON` takes. Takes a fresh proof of who one is.',
      extensions: secret,
      resolve: (_root, _args, ctx) => startRegistration(ctx),
    }),
  );
  accountMutation(builder, 'finishPasskeyRegistration', 'signed-in', (t) =>
    t.field({
      type: made,
      nullable: false,
      description:
        'Keeps the passkey that `navigator.credentials.create` has made, in the same session, within five minutes.',
      args: {
        response: t.arg({ type: 'JSON', required: true, description: 'What it answered, as JSON (`toJSON()`).' }),
        name: t.arg.string({ required: true, description: 'By which its owner knows it: “My phone”.' }),
      },
      extensions: secret,
      resolve: (_root, { response, name }, ctx) => finishRegistration(ctx, { response, name }),
    }),
  );
  accountMutation(builder, 'startPasskeySignIn', 'everyone', (t) =>
    t.field({
      type: 'JSON',
      nullable: false,
      description:
        'Asks for a passkey: what `PublicKeyCredential.parseRequestOptionsFromJSON` takes. Without an argument it is for `signInWithPasskey`, and the browser offers those that it has.',
      args: {
        secondFactorToken: t.arg.string({ description: 'The sign-in to complete by `completeSecondFactor`.' }),
        reauthenticate: t.arg.boolean({ description: 'It is for `reauthenticate`. False unless said.' }),
      },
      extensions: secret,
      resolve: (_root, { secondFactorToken, reauthenticate }, ctx) =>
        startPasskey(ctx, {
          secondFactorToken: secondFactorToken ?? undefined,
          reauthenticate: reauthenticate ?? false,
        }),
    }),
  );
  accountMutation(builder, 'signInWithPasskey', 'everyone', (t) =>
    t.field({
      type: types.signInResult,
      nullable: false,
      description: 'Signs in by a passkey, which is more than one factor: no second one is asked.',
      args: {
        response: t.arg({
          type: 'JSON',
          required: true,
          description: 'What `navigator.credentials.get` answered, as JSON.',
        }),
      },
      extensions: secret,
      resolve: async (_root, { response }, ctx) => delivered(ctx, await signInWithPasskey(ctx, response)),
    }),
  );
  accountMutation(builder, 'renamePasskey', 'signed-in', (t) =>
    t.boolean({
      nullable: false,
      description: 'Gives one of the viewer’s passkeys another name.',
      args: {
        id: t.arg.id({ required: true, description: 'Which.' }),
        name: t.arg.string({ required: true, description: 'What it is to be called.' }),
      },
      resolve: async (_root, { id, name }, ctx) => {
        await renamePasskey(ctx, String(id), name);
        return true;
      },
    }),
  );
  accountMutation(builder, 'removePasskey', 'signed-in', (t) =>
    t.boolean({
      nullable: false,
      description:
        'Removes one of the viewer’s passkeys, unless nothing else signs in. Takes a fresh proof of who one is.',
      args: { id: t.arg.id({ required: true, description: 'Which.' }) },
      resolve: async (_root, { id }, ctx) => {
        await removePasskey(ctx, String(id));
        return true;
      },
    }),
  );
}
