import type { Builder } from '../../../graphql/builder.ts';
import { type AccountFields, accountMutation } from '../fields.ts';
import { acceptInvitation, declineInvitation, inviteToOrganization, revokeInvitation } from './invitations.ts';
import { leaveOrganization, removeFromOrganization, setOrganizationRole } from './members.ts';
import {
  createOrganization,
  deleteOrganization,
  type Membership,
  transferOrganization,
  updateOrganization,
} from './organization.ts';

const roleDescription = '`owner`, `admin`, `member`, or a name of the application’s own, which counts as a member.';

/** Adds what is done with organisations, their members and invitations. */
export function organizationFields(builder: Builder, { typeName }: AccountFields): void {
  const membership = builder.objectRef<Membership>(typeName('OrganizationMembership')).implement({
    description: 'A user’s place in an organization.',
    fields: (t) => ({
      organizationId: t.exposeID('organizationId', { nullable: false, description: 'The organization.' }),
      userId: t.exposeID('userId', { nullable: false, description: 'The member.' }),
      role: t.exposeString('role', { nullable: false, description: roleDescription }),
    }),
  });
  accountMutation(builder, 'createOrganization', 'signed-in', (t) =>
    t.field({
      type: membership,
      nullable: false,
      description: 'Makes an organization, which the viewer owns.',
      args: { name: t.arg.string({ required: true, description: 'What it is called, in at most 120 characters.' }) },
      resolve: (_root, { name }, ctx) => createOrganization(ctx, name),
    }),
  );
  accountMutation(builder, 'updateOrganization', 'signed-in', (t) =>
    t.boolean({
      nullable: false,
      description: 'Gives an organization another name; takes an admin of it.',
      args: {
        id: t.arg.id({ required: true, description: 'Which.' }),
        name: t.arg.string({ required: true, description: 'What it is called, in at most 120 characters.' }),
      },
      resolve: async (_root, { id, name }, ctx) => {
        await updateOrganization(ctx, String(id), name);
        return true;
      },
    }),
  );
  accountMutation(builder, 'deleteOrganization', 'signed-in', (t) =>
    t.boolean({
      nullable: false,
      description: 'Takes an organization down, with all memberships; takes an owner, who has signed in just now.',
      args: { id: t.arg.id({ required: true, description: 'Which.' }) },
      resolve: async (_root, { id }, ctx) => {
        await deleteOrganization(ctx, String(id));
        return true;
      },
    }),
  );
  accountMutation(builder, 'transferOrganization', 'signed-in', (t) =>
    t.boolean({
      nullable: false,
      description:
        'Hands an organization over: the member becomes an owner, the viewer an admin. Takes an owner, who has signed in just now.',
      args: {
        organizationId: t.arg.id({ required: true, description: 'Which.' }),
        userId: t.arg.id({ required: true, description: 'The member who becomes the owner.' }),
      },
      resolve: async (_root, { organizationId, userId }, ctx) => {
        await transferOrganization(ctx, String(organizationId), String(userId));
        return true;
      },
    }),
  );
  accountMutation(builder, 'setOrganizationRole', 'signed-in', (t) =>
    t.field({
      type: membership,
      nullable: false,
      description:
        'Gives a member another role; takes an admin of the organization, and an owner where owners are concerned. The last owner stays one.',
      args: {
        organizationId: t.arg.id({ required: true, description: 'Where.' }),
        userId: t.arg.id({ required: true, description: 'The member.' }),
        role: t.arg.string({ required: true, description: roleDescription }),
      },
      resolve: (_root, { organizationId, userId, role }, ctx) =>
        setOrganizationRole(ctx, String(organizationId), String(userId), role),
    }),
  );
  accountMutation(builder, 'removeFromOrganization', 'signed-in', (t) =>
    t.boolean({
      nullable: false,
      description:
        'Takes a member out; takes an admin of the organization, and an owner for owners. The last owner stays.',
      args: {
        organizationId: t.arg.id({ required: true, description: 'Where.' }),
        userId: t.arg.id({ required: true, description: 'The member.' }),
      },
      resolve: async (_root, { organizationId, userId }, ctx) => {
        await removeFromOrganization(ctx, String(organizationId), String(userId));
        return true;
      },
    }),
  );
  accountMutation(builder, 'leaveOrganization', 'signed-in', (t) =>
    t.boolean({
      nullable: false,
      description: 'Takes the viewer out of an organization. The last owner hands it over first, or deletes it.',
      args: { organizationId: t.arg.id({ required: true, description: 'Which.' }) },
      resolve: async (_root, { organizationId }, ctx) => {
        await leaveOrganization(ctx, String(organizationId));
        return true;
      },
    }),
  );
  invitationFields(builder, membership);
}

type MembershipRef = ReturnType<ReturnType<Builder['objectRef']>['implement']>;

function invitationFields(builder: Builder, membership: MembershipRef): void {
  accountMutation(builder, 'inviteToOrganization', 'signed-in', (t) =>
    t.boolean({
      nullable: false,
      description:
        'Asks somebody by mail to join, in the place of what they were asked before. Takes an admin of the organization. The answer is the same whether or not the address has an account.',
      args: {
        organizationId: t.arg.id({ required: true, description: 'Where.' }),
        email: t.arg.string({ required: true, description: 'Who.' }),
        role: t.arg.string({ description: `${roleDescription} A member unless said.` }),
        redirectTo: t.arg.string({
          description:
            'The page that the link of the mail leads to, with `#for=invitation&token=…`: give that to `acceptInvitation`.',
        }),
      },
      resolve: async (_root, { organizationId, email, role, redirectTo }, ctx) => {
        await inviteToOrganization(ctx, String(organizationId), { email, role: role ?? 'member', redirectTo });
        return true;
      },
    }),
  );
  accountMutation(builder, 'acceptInvitation', 'signed-in', (t) =>
    t.field({
      type: membership,
      nullable: false,
      description: 'Joins an organization. Takes the account of the address that was invited, which has been verified.',
      args: { token: t.arg.string({ required: true, description: 'Of the mail; good once.' }) },
      resolve: (_root, { token }, ctx) => acceptInvitation(ctx, token),
    }),
  );
  accountMutation(builder, 'declineInvitation', 'everyone', (t) =>
    t.boolean({
      nullable: false,
      description: 'Turns an invitation down.',
      args: { token: t.arg.string({ required: true, description: 'Of the mail; good once.' }) },
      resolve: async (_root, { token }, ctx) => {
        await declineInvitation(ctx, token);
        return true;
      },
    }),
  );
  accountMutation(builder, 'revokeInvitation', 'signed-in', (t) =>
    t.boolean({
      nullable: false,
      description: 'Takes an invitation back; takes an admin of the organization, and an owner for an owner’s.',
      args: { id: t.arg.id({ required: true, description: 'Which of `organizationInvitations`.' }) },
      resolve: async (_root, { id }, ctx) => {
        await revokeInvitation(ctx, String(id));
        return true;
      },
    }),
  );
}
