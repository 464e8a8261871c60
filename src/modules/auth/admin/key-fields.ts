import type { Builder } from '../../../graphql/builder.ts';
import type { KeyRecord } from '../../../platform/signing-keys.ts';
import { type AccountFields, accountMutation, adminOnly, secret } from '../fields.ts';
import { rotateSigningKeys } from './signing-keys.ts';

/** Adds what administrators do with the keys of access tokens. */
export function keyFields(builder: Builder, { typeName }: AccountFields): void {
  const signingKey = builder.objectRef<KeyRecord>(typeName('SigningKey')).implement({
    description: 'A key that access tokens are signed or verified by.',
    fields: (t) => ({
      kid: t.exposeString('kid', { nullable: false, description: 'Its name, as tokens and the JWKS say it.' }),
      state: t.exposeString('state', {
        nullable: false,
        description: '`next` will sign, `active` signs, `retired` only verifies.',
      }),
      since: t.field({
        type: 'DateTime',
        nullable: false,
        description: 'When it came to that.',
        resolve: ({ since }) => since.toISOString(),
      }),
    }),
  });
  accountMutation(builder, 'rotateSigningKeys', adminOnly, (t) =>
    t.field({
      type: [signingKey],
      nullable: false,
      description:
        'Has the next key sign access tokens from now on, on all nodes, and tells all keys. No token is refused for it. For the admin role.',
      args: {
        discard: t.arg.boolean({
          description:
            'Ends all keys, and with them all access tokens, within seconds: clients refresh their sessions.',
        }),
      },
      extensions: secret,
      resolve: (_root, { discard }, ctx) => rotateSigningKeys(ctx, discard ?? false),
    }),
  );
}
