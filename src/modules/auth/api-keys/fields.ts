import type { Builder } from '../../../graphql/builder.ts';
import { type AccountFields, accountMutation, adminOnly, secret } from '../fields.ts';
import { type CreatedApiKey, createApiKey, revokeApiKey } from './api-key.ts';
import { createServiceAccount, deleteServiceAccount } from './service-account.ts';

/** Adds keys for programs, and accounts of programs. */
export function apiKeyFields(builder: Builder, { typeName }: AccountFields): void {
  const created = builder.objectRef<CreatedApiKey>(typeName('CreatedApiKey')).implement({
    description: 'An API key that was just made.',
    fields: (t) => ({
      id: t.exposeID('id', { nullable: false, description: 'As `authApiKeys` lists it.' }),
      secret: t.exposeString('secret', {
        nullable: false,
        description: 'The key itself, sent as `Authorization: Bearer mrk_…`. It is shown this once.',
      }),
      name: t.exposeString('name', { nullable: false, description: 'What it is called.' }),
      prefix: t.exposeString('prefix', { nullable: false, description: 'The part of it that finds it in lists.' }),
      scopes: t.exposeStringList('scopes', { nullable: false, description: 'What it may be used for.' }),
      expiresAt: t.field({
        type: 'DateTime',
        nullable: true,
        description: 'When it ends; null for never.',
        resolve: ({ expiresAt }) => expiresAt?.toISOString(),
      }),
    }),
  });
  accountMutation(builder, 'createApiKey', 'signed-in', (t) =>
    t.field({
      type: created,
      nullable: false,
      description: 'Makes a key that asks in the viewer’s name, within its scopes. It takes a fresh sign-in.',
      args: {
        name: t.arg.string({ required: true, description: 'What it is for, in words of one’s own.' }),
        scopes: t.arg.stringList({
          required: true,
          description:
            '`read`, `write`, `create`, `update`, `delete` of everything, or of one model, as `read:Task`; `*` is all of these. ' +
            '`accounts` for what concerns accounts, `admin` for the rights of the admin role.',
        }),
        expiresAt: t.arg({ type: 'DateTime', description: 'When it ends; never unless said.' }),
        serviceAccountId: t.arg.id({ description: 'The program that it is for, by administrators.' }),
      },
      extensions: secret,
      resolve: (_root, { name, scopes, expiresAt, serviceAccountId }, ctx) =>
        createApiKey(ctx, {
          name,
          scopes,
          expiresAt: expiresAt ? new Date(String(expiresAt)) : null,
          serviceAccountId: serviceAccountId == null ? null : String(serviceAccountId),
        }),
    }),
  );
  accountMutation(builder, 'revokeApiKey', 'signed-in', (t) =>
    t.boolean({
      nullable: false,
      description: 'Ends a key everywhere, within a second: one of the viewer’s own, by administrators anybody’s.',
      args: { id: t.arg.id({ required: true, description: 'Which, as `authApiKeys` lists them.' }) },
      resolve: async (_root, { id }, ctx) => {
        await revokeApiKey(ctx, String(id));
        return true;
      },
    }),
  );
  accountMutation(builder, 'createServiceAccount', adminOnly, (t) =>
    t.id({
      nullable: false,
      description: 'Makes an account for a program, which asks by API keys; answers its id. For administrators.',
      args: {
        name: t.arg.string({ required: true, description: 'What the program is called.' }),
        roles: t.arg.stringList({ required: true, description: 'What it may do, as accounts of people may.' }),
      },
      resolve: (_root, { name, roles }, ctx) => createServiceAccount(ctx, name, roles),
    }),
  );
  accountMutation(builder, 'deleteServiceAccount', adminOnly, (t) =>
    t.boolean({
      nullable: false,
      description: 'Ends a program’s account, and all of its keys with it. For administrators.',
      args: { id: t.arg.id({ required: true, description: 'Which.' }) },
      resolve: async (_root, { id }, ctx) => {
        await deleteServiceAccount(ctx, String(id));
        return true;
      },
    }),
  );
}
