import type { RuleSet } from '../../data/rules/rule-set.ts';
import type { Viewer } from '../../viewer.ts';

const own = (viewer: Viewer) => ({ userId: viewer.id });
const member = (viewer: Viewer) => ({ members: { some: { userId: viewer.id } } });
const steward = (viewer: Viewer) => ({
  members: { some: { userId: viewer.id, role: { in: ['owner', 'admin'] } } },
});
const readOnly = { readOnly: true };

/** Whoever has a row may read it, with the admin role; nothing of it is written but by the accounts' own mutations. */
export const authRules: RuleSet = {
  AuthAccount: { api: readOnly, read: own },
  AuthSession: { api: readOnly, read: own },
  AuthIdentity: { api: readOnly, read: own },
  AuthPasskey: { api: readOnly, read: own },
  AuthDevice: { api: readOnly, read: own },
  AuthApiKey: { api: readOnly, read: own },
  AuthEvent: { api: readOnly, read: own },
};

/** Members see their organisation and each other; whom it has invited, those who may invite. */
export const organizationRules: RuleSet = {
  Organization: { api: readOnly, read: member },
  OrganizationMember: { api: readOnly, read: (viewer) => ({ organization: member(viewer) }) },
  OrganizationInvitation: { api: readOnly, read: (viewer) => ({ organization: steward(viewer) }) },
};
