import type { Builder } from '../../../graphql/builder.ts';
import { accountMutation, accountQuery } from '../fields.ts';
import { deleteMyAccount } from './erase-account.ts';
import { exportMyData } from './export-data.ts';
import { type Me, readMe } from './me.ts';

/** Adds what everybody may know of their own account. */
export function ownFields(builder: Builder, typeName: (name: string) => string): void {
  const membership = builder.objectRef<Me['organizations'][number]>(typeName('MyOrganization')).implement({
    description: 'An organisation that the viewer is a member of.',
    fields: (t) => ({
      id: t.exposeID('id', { nullable: false, description: 'Its key.' }),
      role: t.exposeString('role', { nullable: false, description: 'What the viewer is there.' }),
    }),
  });
  const me = builder.objectRef<Me>(typeName('Me')).implement({
    description: 'Who is asking, as accounts know them.',
    fields: (t) => ({
      userId: t.exposeID('userId', { nullable: false, description: 'The key of the user.' }),
      kind: t.exposeString('kind', { nullable: false, description: '`PERSON`, `GUEST` or `SERVICE`.' }),
      email: t.exposeString('email', { nullable: true, description: 'The address that signs in.' }),
      isEmailVerified: t.exposeBoolean('isEmailVerified', {
        nullable: false,
        description: 'Whether it was proved to be theirs.',
      }),
      roles: t.exposeStringList('roles', { nullable: false, description: 'All roles, with what they inherit.' }),
      organizations: t.field({
        type: [membership],
        nullable: false,
        description: 'Memberships.',
        resolve: ({ organizations }) => [...organizations],
      }),
      hasPassword: t.exposeBoolean('hasPassword', { nullable: false, description: 'Whether a password signs in.' }),
      secondFactors: t.exposeStringList('secondFactors', {
        nullable: false,
        description: 'What is asked besides a first factor: `totp`, `passkey`, `recovery-code`.',
      }),
      sessionId: t.exposeID('sessionId', { nullable: true, description: 'The session that asks.' }),
      assurance: t.exposeInt('assurance', {
        nullable: true,
        description: '1, or 2 where a second factor was shown in this session.',
      }),
      actorId: t.exposeID('actorId', { nullable: true, description: 'The admin who acts as this user.' }),
    }),
  });
  accountQuery(builder, 'me', 'everyone', (t) =>
    t.field({
      type: me,
      nullable: true,
      description: 'The viewer’s own account; null for whoever has not signed in.',
      resolve: (_root, _args, ctx) => readMe(ctx),
    }),
  );
  accountQuery(builder, 'exportMyData', 'signed-in', (t) =>
    t.field({
      type: 'JSON',
      nullable: false,
      description:
        'Everything that is known of the viewer: account, ways of signing in, sessions, events, organizations, and the rows that app/accounts.ts calls their own.',
      resolve: (_root, _args, ctx) => exportMyData(ctx),
    }),
  );
  accountMutation(builder, 'deleteMyAccount', 'signed-in', (t) =>
    t.boolean({
      nullable: false,
      description:
        'Deletes the viewer: the rows that app/accounts.ts calls their own, the user, the account and everything that signs in. Takes a fresh sign-in. Nothing brings it back.',
      resolve: async (_root, _args, ctx) => {
        await deleteMyAccount(ctx);
        return true;
      },
    }),
  );
}
