/** The peers that hear of events by Redis, each on a channel of its own by this name. */
export type Handed = 'bare' | 'stock-yoga' | 'socket-io';

/** What every subscriber of Millrace, and of stock Yoga, asks for. */
export const document = `subscription Board {
  taskChanges { type cursor node { id title status priority estimate dueAt createdAt } changedFields }
}`;

/** One change as the peers tell it that are handed one: the words of Millrace's own. */
export const exampleChange = {
  type: 'UPDATED',
  cursor: 'x'.repeat(88),
  node: {
    id: '0190a2b4-7c1e-7f00-8000-5a1f0c9e7d21',
    title: 'change 000000 of the bench',
    status: 'DOING',
    priority: 3,
    estimate: 2.5,
    dueAt: '2025-03-01T09:00:00.000Z',
    createdAt: '2024-09-12T17:21:44.120Z',
  },
  changedFields: ['title'],
};

/** What a counted message holds, and no other does. */
export const countedText = '"UPDATED"';
