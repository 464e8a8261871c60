import type { Builder } from '../../../graphql/builder.ts';
import { type AccountFields, accountMutation, adminOnly, secret } from '../fields.ts';
import type { PersonalNeeds } from '../own/personal-rows.ts';
import { delivered } from '../sessions/delivery.ts';
import {
  type AccountByAdmin,
  createAccount,
  deleteAccount,
  disableAccount,
  enableAccount,
  setClaims,
  setRoles,
  signOutAccount,
} from './accounts.ts';
import { impersonate } from './impersonation.ts';

/** Adds what admins do to accounts. They are searched as all rows are: `authAccounts`. */
export function adminFields(builder: Builder, { types, typeName }: AccountFields): void {
  // An application with accounts of its own, as a bank's, makes and deletes those by these names.
  const own = (name: string) => (typeName('Account') === 'Account' ? name : name.replace(/Account$/, 'AuthAccount'));
  const input = builder.inputRef<AccountByAdmin>(typeName('NewAccountInput')).implement({
    description: 'An account that an admin makes.',
    fields: (t) => ({
      email: t.string({ required: true, description: 'The address that signs in. It is verified by the first link.' }),
      name: t.string({ description: 'What the user is called.' }),
      userId: t.string({ description: 'A user who is there already, and has no account; made unless said.' }),
      roles: t.stringList({ description: 'Roles; those of whoever signs up unless said.' }),
      sendInvitation: t.boolean({ description: 'Sends a mail with a link that signs in, for 72 hours.' }),
      redirectTo: t.string({
        description:
          'The page that the link leads to, with `#for=sign-in-link&token=…`: give that to `signInWithLink`.',
      }),
    }),
  });
  accountMutation(builder, own('createAccount'), adminOnly, (t) =>
    t.id({
      nullable: false,
      description:
        'Makes an account, and its user; tells the user’s key. Only for admins, who have signed in just now.',
      args: { input: t.arg({ type: input, required: true, description: 'Of whom.' }) },
      resolve: (_root, args, ctx) => createAccount(ctx, args.input),
    }),
  );
  accountMutation(builder, 'setRoles', adminOnly, (t) =>
    t.boolean({
      nullable: false,
      description:
        'Gives an account these roles and no others; they count within a second. The last admin stays one. Only for admins, who have signed in just now.',
      args: {
        userId: t.arg.id({ required: true, description: 'Whose.' }),
        roles: t.arg.stringList({ required: true, description: 'Roles of app/accounts.ts, or the admin role.' }),
      },
      resolve: async (_root, { userId, roles }, ctx) => {
        await setRoles(ctx, String(userId), roles);
        return true;
      },
    }),
  );
  accountMutation(builder, 'setClaims', adminOnly, (t) =>
    t.boolean({
      nullable: false,
      description:
        'Gives an account these claims and no others, for rules (`viewer.claims`) and in its tokens. Only for admins, who have signed in just now.',
      args: {
        userId: t.arg.id({ required: true, description: 'Whose.' }),
        claims: t.arg({
          type: 'JSON',
          required: true,
          description: 'By name; in all at most 2000 bytes. What a token says by itself cannot be among them.',
        }),
      },
      resolve: async (_root, { userId, claims }, ctx) => {
        await setClaims(ctx, String(userId), claims);
        return true;
      },
    }),
  );
  accountMutation(builder, 'impersonate', adminOnly, (t) =>
    t.field({
      type: types.signInResult,
      nullable: false,
      description:
        'Signs the admin in as somebody else, for 15 minutes; `signOut` ends it before. Nobody acts as an admin. What concerns accounts is refused meanwhile, and the user sees it among their events. Only for admins, who have signed in just now.',
      args: {
        userId: t.arg.id({ required: true, description: 'As whom.' }),
        reason: t.arg.string({ required: true, description: 'Why; kept with the event.' }),
      },
      extensions: secret,
      resolve: async (_root, { userId, reason }, ctx) => delivered(ctx, await impersonate(ctx, String(userId), reason)),
    }),
  );
  plain(
    'disableAccount',
    'Lets nobody in by an account any more: its sessions end everywhere within a second. Only for admins.',
    disableAccount,
  );
  plain('enableAccount', 'Lets an account sign in again. Only for admins, who have signed in just now.', enableAccount);
  plain(
    own('deleteAccount'),
    'Deletes an account with its user and the user’s own rows, as app/accounts.ts names them. Only for admins, who have signed in just now.',
    deleteAccount,
  );
  accountMutation(builder, 'signOutAccount', adminOnly, (t) =>
    t.int({
      nullable: false,
      description: 'Ends all sessions of an account; tells how many there were. Only for admins.',
      args: { userId: t.arg.id({ required: true, description: 'Whose.' }) },
      resolve: (_root, { userId }, ctx) => signOutAccount(ctx, String(userId)),
    }),
  );

  function plain(name: string, description: string, work: (ctx: PersonalNeeds, userId: string) => Promise<void>): void {
    accountMutation(builder, name, adminOnly, (t) =>
      t.boolean({
        nullable: false,
        description,
        args: { userId: t.arg.id({ required: true, description: 'Whose.' }) },
        resolve: async (_root, { userId }, ctx) => {
          await work(ctx, String(userId));
          return true;
        },
      }),
    );
  }
}
