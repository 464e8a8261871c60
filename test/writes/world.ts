import type { RuleSet } from '../../src/data/rules/rule-set.ts';
import type { ModelRules, ModelViewer } from '../model/access.ts';
import { schemaOf, shape } from './model/shape.ts';

/**
 * A world made for writes: rules that ask the row, its relations both ways and the viewer; keys that are nullable, required,
 * unique, hidden, of two columns; every kind of deletion; a tree; a join table.
 */
export const prismaSchema = `
model User {
  id       String  @id
  name     String
  handle   String  @unique
  level    Int     @default(0)
  mentorId String?
  mentor   User?   @relation("mentor", fields: [mentorId], references: [id], onDelete: SetNull)
  pupils   User[]  @relation("mentor")
  seats    Seat[]
  written  Paper[] @relation("author")
  reviews  Paper[] @relation("reviewer")
  notes    Note[]
  badge    Badge?
}

model Team {
  id     Int     @id
  name   String  @unique
  open   Boolean @default(false)
  seats  Seat[]
  papers Paper[]
}

model Seat {
  teamId Int
  userId String
  role   String @default("reader")
  team   Team   @relation(fields: [teamId], references: [id], onDelete: Cascade)
  user   User   @relation(fields: [userId], references: [id], onDelete: Cascade)

  @@id([teamId, userId])
}

model Paper {
  id         Int      @id
  code       String?  @unique
  title      String
  stage      Int      @default(0)
  locked     Boolean  @default(false)
  tags       String[]
  origin     String   @default("here")
  shade      String
  version    Int      @default(1)
  teamId     Int
  authorId   String
  reviewerId String?
  team       Team     @relation(fields: [teamId], references: [id], onDelete: Cascade)
  author     User     @relation("author", fields: [authorId], references: [id], onDelete: Restrict)
  reviewer   User?    @relation("reviewer", fields: [reviewerId], references: [id], onDelete: SetNull)
  notes      Note[]
  topics     Topic[]
  cover      Cover?
}

model Note {
  id       Int     @id
  text     String
  secret   Boolean @default(false)
  paperId  Int
  writerId String?
  paper    Paper   @relation(fields: [paperId], references: [id], onDelete: Cascade)
  writer   User?   @relation(fields: [writerId], references: [id], onDelete: SetNull)
}

model Topic {
  id     Int     @id
  word   String  @unique
  hidden Boolean @default(false)
  papers Paper[]
}

model Cover {
  id      Int    @id
  colour  String
  paperId Int?   @unique
  paper   Paper? @relation(fields: [paperId], references: [id], onDelete: SetNull)
}

model Badge {
  id     Int    @id
  kind   String
  userId String @unique
  user   User   @relation(fields: [userId], references: [id], onDelete: Cascade)
}
`;

/** The models of it, as the independent model knows them. */
export const schema = schemaOf({
  User: shape(
    { id: 'text', name: 'text', handle: 'text', level: 'number', mentorId: 'text?' },
    {
      mentor: { kind: 'own', to: 'User', local: 'mentorId', remote: 'id', onDelete: 'SetNull' },
      pupils: { kind: 'foreign', to: 'User', inverse: 'mentor', isList: true },
      seats: { kind: 'foreign', to: 'Seat', inverse: 'user', isList: true },
      written: { kind: 'foreign', to: 'Paper', inverse: 'author', isList: true },
      reviews: { kind: 'foreign', to: 'Paper', inverse: 'reviewer', isList: true },
      notes: { kind: 'foreign', to: 'Note', inverse: 'writer', isList: true },
      badge: { kind: 'foreign', to: 'Badge', inverse: 'user', isList: false },
    },
    { uniques: [['handle']], defaults: { level: 0 } },
  ),
  Team: shape(
    { id: 'number', name: 'text', open: 'boolean' },
    {
      seats: { kind: 'foreign', to: 'Seat', inverse: 'team', isList: true },
      papers: { kind: 'foreign', to: 'Paper', inverse: 'team', isList: true },
    },
    { uniques: [['name']], defaults: { open: false } },
  ),
  Seat: shape(
    { teamId: 'number', userId: 'text', role: 'text' },
    {
      team: { kind: 'own', to: 'Team', local: 'teamId', remote: 'id', onDelete: 'Cascade' },
      user: { kind: 'own', to: 'User', local: 'userId', remote: 'id', onDelete: 'Cascade' },
    },
    { key: ['teamId', 'userId'], defaults: { role: 'reader' } },
  ),
  Paper: shape(
    {
      id: 'number',
      code: 'text?',
      title: 'text',
      stage: 'number',
      locked: 'boolean',
      tags: 'list',
      origin: 'text',
      shade: 'text',
      version: 'number',
      teamId: 'number',
      authorId: 'text',
      reviewerId: 'text?',
    },
    {
      team: { kind: 'own', to: 'Team', local: 'teamId', remote: 'id', onDelete: 'Cascade' },
      author: { kind: 'own', to: 'User', local: 'authorId', remote: 'id', onDelete: 'Restrict' },
      reviewer: { kind: 'own', to: 'User', local: 'reviewerId', remote: 'id', onDelete: 'SetNull' },
      notes: { kind: 'foreign', to: 'Note', inverse: 'paper', isList: true },
      topics: { kind: 'join', to: 'Topic', table: '_PaperToTopic', here: 'A', there: 'B' },
      cover: { kind: 'foreign', to: 'Cover', inverse: 'paper', isList: false },
    },
    { uniques: [['code']], defaults: { stage: 0, locked: false, tags: [], origin: 'here', version: 1 } },
  ),
  Note: shape(
    { id: 'number', text: 'text', secret: 'boolean', paperId: 'number', writerId: 'text?' },
    {
      paper: { kind: 'own', to: 'Paper', local: 'paperId', remote: 'id', onDelete: 'Cascade' },
      writer: { kind: 'own', to: 'User', local: 'writerId', remote: 'id', onDelete: 'SetNull' },
    },
    { defaults: { secret: false } },
  ),
  Topic: shape(
    { id: 'number', word: 'text', hidden: 'boolean' },
    { papers: { kind: 'join', to: 'Paper', table: '_PaperToTopic', here: 'B', there: 'A' } },
    { uniques: [['word']], defaults: { hidden: false } },
  ),
  Cover: shape(
    { id: 'number', colour: 'text', paperId: 'number?' },
    { paper: { kind: 'own', to: 'Paper', local: 'paperId', remote: 'id', onDelete: 'SetNull' } },
    { uniques: [['paperId']] },
  ),
  Badge: shape(
    { id: 'number', kind: 'text', userId: 'text' },
    { user: { kind: 'own', to: 'User', local: 'userId', remote: 'id', onDelete: 'Cascade' } },
    { uniques: [['userId']] },
  ),
});

const sits = (viewer: ModelViewer) => ({ seats: { some: { userId: viewer.id } } });
const edits = (viewer: ModelViewer) => ({ seats: { some: { userId: viewer.id, role: { in: ['editor', 'owner'] } } } });
const owns = (viewer: ModelViewer) => ({ seats: { some: { userId: viewer.id, role: 'owner' } } });
const isCurator = (viewer: ModelViewer) => viewer.claims?.role === 'curator';
const isKnown = (viewer: ModelViewer) => viewer.id !== undefined;

/** Who may do what in it. Read by the engine, and by the model, each with its own understanding. */
const ruled = {
  User: {
    read: (viewer: ModelViewer) => ({
      OR: [{ id: viewer.id }, { level: { gte: 1 } }, { seats: { some: { team: sits(viewer) } } }],
    }),
    create: (viewer: ModelViewer) => isKnown(viewer) && { OR: [{ mentorId: viewer.id }, { level: 0 }] },
    update: (viewer: ModelViewer) => ({ OR: [{ id: viewer.id }, { mentorId: viewer.id }] }),
    delete: (viewer: ModelViewer) => ({ mentorId: viewer.id, notes: { none: { secret: true } } }),
    fields: {
      handle: { read: (viewer: ModelViewer) => ({ OR: [{ id: viewer.id }, { level: { gte: 1 } }] }) },
      level: { write: (viewer: ModelViewer) => ({ OR: [{ mentorId: viewer.id }, { level: 0 }] }) },
      mentorId: { write: (viewer: ModelViewer) => ({ OR: [{ mentorId: viewer.id }, { id: viewer.id }] }) },
    },
  },
  Team: {
    read: (viewer: ModelViewer) => ({ OR: [{ open: true }, sits(viewer)] }),
    // A new team has its maker among its owners: whether it has is known only when all below it is made.
    create: owns,
    update: edits,
    delete: (viewer: ModelViewer) => ({ AND: [owns(viewer), { papers: { none: { locked: true } } }] }),
    fields: { open: { write: owns } },
  },
  Seat: {
    read: (viewer: ModelViewer) => ({ team: { OR: [{ open: true }, sits(viewer)] } }),
    create: (viewer: ModelViewer) => ({
      OR: [{ team: owns(viewer) }, { userId: viewer.id, role: 'reader', team: { open: true } }],
    }),
    update: (viewer: ModelViewer) => ({ team: owns(viewer) }),
    delete: (viewer: ModelViewer) => ({ OR: [{ userId: viewer.id }, { team: owns(viewer) }] }),
    fields: { role: { write: (viewer: ModelViewer) => ({ team: owns(viewer) }) } },
  },
  Paper: {
    read: (viewer: ModelViewer) => ({ OR: [{ authorId: viewer.id }, { stage: { gte: 0 }, team: sits(viewer) }] }),
    create: (viewer: ModelViewer) => ({ locked: false, team: edits(viewer) }),
    update: (viewer: ModelViewer) => ({ locked: false, OR: [{ authorId: viewer.id }, { team: edits(viewer) }] }),
    delete: (viewer: ModelViewer) => ({
      OR: [{ authorId: viewer.id }, { team: owns(viewer) }],
      notes: { none: { secret: true } },
    }),
    fields: {
      code: { write: { stage: { lte: 1 } } },
      stage: { write: (viewer: ModelViewer) => ({ OR: [{ team: owns(viewer) }, { stage: { lte: 1 } }] }) },
      origin: { write: false },
      teamId: { write: (viewer: ModelViewer) => ({ team: edits(viewer) }) },
      authorId: { write: (viewer: ModelViewer) => ({ OR: [{ authorId: viewer.id }, { team: owns(viewer) }] }) },
      reviewerId: {
        read: (viewer: ModelViewer) => ({ OR: [{ reviewerId: viewer.id }, { team: edits(viewer) }] }),
        // Of those who are of the highest level none is relieved of a paper.
        write: { OR: [{ reviewerId: null }, { reviewer: { is: { level: { lt: 2 } } } }] },
      },
    },
    defaults: { authorId: (viewer: ModelViewer) => viewer.id, shade: 'plain' },
    version: 'version',
  },
  Note: {
    read: (viewer: ModelViewer) => ({
      OR: [{ writerId: viewer.id }, { secret: false, paper: { team: sits(viewer) } }],
    }),
    create: (viewer: ModelViewer) => ({
      OR: [{ writerId: viewer.id }, { writerId: null }],
      paper: { locked: false, team: sits(viewer) },
    }),
    update: (viewer: ModelViewer) => ({ OR: [{ writerId: viewer.id }, { paper: { authorId: viewer.id } }] }),
    delete: (viewer: ModelViewer) => ({ OR: [{ writerId: viewer.id }, { paper: { team: owns(viewer) } }] }),
    fields: {
      secret: { write: (viewer: ModelViewer) => ({ writerId: viewer.id }) },
      paperId: { write: { secret: false } },
    },
  },
  Topic: {
    read: { hidden: false },
    create: (viewer: ModelViewer) => isKnown(viewer) && { hidden: false },
    update: isCurator,
    delete: (viewer: ModelViewer) => isCurator(viewer) || (isKnown(viewer) && { papers: { none: {} } }),
    fields: { hidden: { write: isCurator } },
  },
  Cover: {
    read: true,
    create: true,
    update: (viewer: ModelViewer) => isKnown(viewer) && { colour: { not: 'black' } },
    delete: { OR: [{ paper: null }, { colour: 'red' }] },
    fields: {
      paperId: { write: (viewer: ModelViewer) => ({ OR: [{ paperId: null }, { paper: { team: edits(viewer) } }] }) },
    },
  },
  Badge: {
    read: { kind: { not: 'hush' } },
    create: (viewer: ModelViewer) => ({ user: { OR: [{ mentorId: viewer.id }, { id: viewer.id }] } }),
    update: (viewer: ModelViewer) => isKnown(viewer) && { kind: { not: 'gold' } },
    delete: (viewer: ModelViewer) => ({ OR: [{ userId: viewer.id }, { user: { mentorId: viewer.id } }] }),
  },
};

/** The rules as the engine takes them. */
export const rules = ruled as unknown as RuleSet;

/** The rules as the model takes them. */
export const modelRules = ruled as unknown as ModelRules;

/** Somebody who writes: what their token says, and what the model knows of them. */
export interface Writer {
  name: string;
  claims?: { sub?: string; role?: string };
  viewer: ModelViewer;
}

const signedIn = (sub: string, role?: string): Writer => ({
  name: role ? `${sub}, a ${role}` : sub,
  claims: role ? { sub, role } : { sub },
  viewer: { id: sub, isAdmin: role === 'admin', claims: { role } },
});

/** Those who write. Who they are in the teams is told by the rows. */
export const writers: readonly Writer[] = [
  { name: 'a stranger', viewer: {} },
  signedIn('ann'),
  signedIn('ben'),
  signedIn('cat', 'curator'),
  signedIn('root', 'admin'),
];
