import type { Builder } from '../../../graphql/builder.ts';
import { type AccountFields, accountMutation, secret } from '../fields.ts';
import { delivered } from '../sessions/delivery.ts';
import { registerDevice, removeDevice, signInDevice } from './device.ts';

/** Adds devices, which sign in by keys of their own. */
export function deviceFields(builder: Builder, { types }: AccountFields): void {
  accountMutation(builder, 'registerDevice', 'signed-in', (t) =>
    t.id({
      nullable: false,
      description: 'Lets a device sign in as the viewer by its own key; answers its id. It takes a fresh sign-in.',
      args: {
        name: t.arg.string({ required: true, description: 'What the device is called.' }),
        publicKey: t.arg({
          type: 'JSON',
          required: true,
          description: 'Its public key as a JWK (RFC 7517): P-256 (signs by ES256) or Ed25519 (EdDSA).',
        }),
      },
      resolve: (_root, { name, publicKey }, ctx) => registerDevice(ctx, name, publicKey),
    }),
  );
  accountMutation(builder, 'removeDevice', 'signed-in', (t) =>
    t.boolean({
      nullable: false,
      description: 'Forgets a device of the viewer’s, and ends its sessions everywhere.',
      args: { id: t.arg.id({ required: true, description: 'Which, as `authDevices` lists them.' }) },
      resolve: async (_root, { id }, ctx) => {
        await removeDevice(ctx, String(id));
        return true;
      },
    }),
  );
  accountMutation(builder, 'signInDevice', 'everyone', (t) =>
    t.field({
      type: types.signInResult,
      nullable: false,
      description:
        'Signs in by a JWT that the device has signed: `typ` is `device+jwt`, `iss` and `sub` are its id, `aud` is the address of this server, `exp` lies at most 60 seconds behind `iat`, and `jti` is new each time.',
      args: { assertion: t.arg.string({ required: true, description: 'The JWT.' }) },
      extensions: secret,
      resolve: async (_root, { assertion }, ctx) => delivered(ctx, await signInDevice(ctx, assertion)),
    }),
  );
}
