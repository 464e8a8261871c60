// Yours: collections of documents, which need no model and no migration. What is not named here is closed to all but the admin role.
import { defineCollections, type Viewer } from 'millrace/documents';

/** The viewer's own. */
const own = (viewer: Viewer) => ({ owner: viewer.id });

export default defineCollections({
  // What people write down for themselves, and show to others where they say so.
  notes: {
    read: (viewer) => ({ OR: [own(viewer), { data: { path: ['shared'], equals: true } }] }),
    create: own,
    update: own,
    delete: own,
    schema: {
      type: 'object',
      required: ['text'],
      properties: {
        text: { type: 'string', minLength: 1, maxLength: 10_000 },
        shared: { type: 'boolean' },
        pinned: { type: 'integer', minimum: 0 },
        tags: { type: 'array', items: { type: 'string' }, maxItems: 50 },
      },
    },
    indexes: [['pinned'], { path: ['tags'], contains: true }],
  },
});
