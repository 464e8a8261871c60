// Yours: who may read and write which rows. What has no rule here is closed to all but the admin role.
// A rule is true, false, or a function of the viewer that returns true, false or a Prisma `where` that the row must match.
import { defineRules, type Viewer } from 'millrace/rules';
import { z } from 'zod';

/** The viewer is a member of the workspace. */
const member = (viewer: Viewer) => ({ members: { some: { userId: viewer.id } } });

/** The viewer is a member who may change things in the workspace. */
const editor = (viewer: Viewer) => ({ members: { some: { userId: viewer.id, role: { not: 'VIEWER' } } } }) as const;

/** The viewer owns the workspace. */
const owner = (viewer: Viewer) => ({ members: { some: { userId: viewer.id, role: 'OWNER' } } }) as const;

export default defineRules({
  User: {
    // Oneself, and whoever shares a workspace with the viewer.
    read: (viewer) => ({ OR: [{ id: viewer.id }, { memberships: { some: { workspace: member(viewer) } } }] }),
    update: (viewer) => ({ id: viewer.id }),
    fields: {
      email: { read: (viewer) => ({ id: viewer.id }) },
      id: { write: false },
    },
    values: {
      email: z.email().max(254).toLowerCase(),
      name: z.string().trim().min(1).max(100),
    },
  },

  Workspace: {
    read: member,
    update: owner,
    delete: owner,
  },

  Member: {
    read: (viewer) => ({ workspace: member(viewer) }),
    create: (viewer) => ({ workspace: owner(viewer) }),
    update: (viewer) => ({ workspace: owner(viewer) }),
    // Owners dismiss members, and everybody may leave.
    delete: (viewer) => ({ OR: [{ workspace: owner(viewer) }, { userId: viewer.id }] }),
  },

  Project: {
    read: (viewer) => ({ workspace: member(viewer) }),
    create: (viewer) => ({ workspace: editor(viewer) }),
    update: (viewer) => ({ workspace: editor(viewer) }),
    delete: (viewer) => ({ workspace: owner(viewer) }),
    fields: {
      budget: { read: (viewer) => ({ workspace: owner(viewer) }), write: (viewer) => ({ workspace: owner(viewer) }) },
    },
  },

  Task: {
    read: (viewer) => ({ project: { workspace: member(viewer) } }),
    create: (viewer) => ({ project: { workspace: editor(viewer) } }),
    update: (viewer) => ({ project: { workspace: editor(viewer) } }),
    delete: (viewer) => ({ project: { workspace: editor(viewer) } }),
    values: {
      title: z.string().trim().min(1, 'must not be empty'),
      estimate: z.number().min(0),
    },
  },

  Label: {
    read: (viewer) => ({ workspace: member(viewer) }),
    create: (viewer) => ({ workspace: editor(viewer) }),
    update: (viewer) => ({ workspace: editor(viewer) }),
    delete: (viewer) => ({ workspace: editor(viewer) }),
    values: { color: z.string().regex(/^#[0-9a-f]{6}$/i, 'must be a colour, as #22aa88') },
  },

  Comment: {
    read: (viewer) => ({ task: { project: { workspace: member(viewer) } } }),
    // Members speak for themselves only.
    create: (viewer) => ({ authorId: viewer.id, task: { project: { workspace: member(viewer) } } }),
    update: (viewer) => ({ authorId: viewer.id }),
    delete: (viewer) => ({ authorId: viewer.id }),
  },
});
