import type { Builder } from '../../../graphql/builder.ts';
import { type AccountFields, accountMutation, secret } from '../fields.ts';
import { delivered } from '../sessions/delivery.ts';
import { signInAsGuest } from './guest.ts';

/** Adds the way in for whoever does not say who they are. */
export function guestFields(builder: Builder, { types }: AccountFields): void {
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
}
