// Who may read and write what of the blog.
import type { RuleSet } from '../../../src/data/rules/rule-set.ts';
import type { Viewer } from '../../../src/viewer.ts';

/** The post is there for all, or the viewer's own. */
const readable = (viewer: Viewer) => ({ OR: [{ published: true }, { authorId: viewer.id }] });

const rules: RuleSet = {
  User: {
    read: (viewer: Viewer) => ({ OR: [{ active: true }, { id: viewer.id }] }),
    fields: { email: { read: (viewer: Viewer) => ({ id: viewer.id }) } },
  },
  Post: {
    read: readable,
    create: (viewer: Viewer) => ({ authorId: viewer.id }),
    // Whoever may read it may correct it.
    update: readable,
  },
  Comment: {
    read: (viewer: Viewer) => ({ post: readable(viewer) }),
    // Everybody speaks for themselves, of what they may read.
    create: (viewer: Viewer) => ({ authorId: viewer.id, post: readable(viewer) }),
  },
};

export default rules;
