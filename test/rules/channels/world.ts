import { defineSchema } from '../../../src/graphql/define-schema.ts';
import type { Viewer } from '../../../src/viewer.ts';
import { ask } from '../../support/postgres.ts';
import { startSchemaServer } from '../../support/schema-server.ts';
import type { Asker, TestServer, TestServerOptions } from '../../support/server.ts';

/**
 * Papers of two teams. Every rule hides something of its own kind, and every hidden thing has a word, or a number, that stands
 * nowhere else: what is told of it can be found in any text.
 *
 * The Mill is ann's, and ben reads in it; the Smithy is eve's. Papers 1 and 2 may be seen by the Mill, 3 is a draft of it that
 * nobody sees, 4 is the Smithy's.
 */
const schema = `
model Team {
  id      Int      @id
  name    String
  plan    String?
  members Member[]
  papers  Paper[]
}

model Person {
  id      String   @id
  name    String
  email   String   @unique
  members Member[]
  written Paper[]  @relation("written")
  reviews Paper[]  @relation("reviewed")
}

model Member {
  teamId   Int
  personId String
  role     String
  team     Team   @relation(fields: [teamId], references: [id])
  person   Person @relation(fields: [personId], references: [id])

  @@id([teamId, personId])
}

model Paper {
  id         Int      @id
  slug       String   @unique
  title      String
  draft      Boolean  @default(false)
  stage      String   @default("new")
  price      Int?
  note       String?
  tags       String[]
  facts      Json?
  teamId     Int
  authorId   String
  reviewerId String?
  team       Team     @relation(fields: [teamId], references: [id])
  author     Person   @relation("written", fields: [authorId], references: [id])
  reviewer   Person?  @relation("reviewed", fields: [reviewerId], references: [id])
  pages      Page[]
  labels     Label[]
  audits     Audit[]
}

model Page {
  id      Int    @id
  text    String
  paperId Int
  paper   Paper  @relation(fields: [paperId], references: [id])
}

model Label {
  id     Int     @id
  name   String
  secret Boolean
  papers Paper[]
}

model Audit {
  id      Int    @id
  line    String
  paperId Int
  paper   Paper  @relation(fields: [paperId], references: [id])
}

model Badge {
  id   Int    @id
  name String
}
`;

const rows = `
  insert into "Team" values (1, 'mill', 'gold-plan'), (2, 'smithy', 'iron-plan');
  insert into "Person" values
    ('ann', 'Ann', 'ann@mill.test'), ('ben', 'Ben', 'ben@mill.test'), ('eve', 'Eve', 'eve@smithy.test');
  insert into "Member" values (1, 'ann', 'owner'), (1, 'ben', 'reader'), (2, 'eve', 'owner');
  insert into "Paper" (id, slug, title, draft, price, note, tags, facts, "teamId", "authorId", "reviewerId") values
    (1, 'first', 'amber', false, 7101, 'note-a', '{tag-a}', '{"kind": "fact-a", "size": 1, "list": ["item-a"]}', 1, 'ann', 'ann'),
    (2, 'second', 'beryl', false, 7202, 'note-b', '{tag-b}', '{"kind": "fact-b", "size": 2, "list": ["item-b"]}', 1, 'ben', 'ben'),
    (3, 'third', 'coral', true, 7303, 'note-c', '{tag-c}', '{"kind": "fact-c"}', 1, 'ann', 'ann'),
    (4, 'fourth', 'abyss', false, 7404, 'note-d', '{tag-d}', '{"kind": "fact-d"}', 2, 'eve', 'eve');
  insert into "Page" values (1, 'page-amber', 1), (2, 'page-coral', 3), (3, 'page-abyss', 4);
  insert into "Label" values (1, 'plain', false), (2, 'hush', true);
  insert into "_LabelToPaper" ("A", "B") values (1, 1), (2, 1), (1, 2), (2, 3);
  insert into "Audit" values (1, 'audit-amber', 1), (2, 'audit-coral', 3);
  insert into "Badge" values (88001, 'bronze'), (88002, 'silver');`;

const tables = ['_LabelToPaper', 'Audit', 'Page', 'Paper', 'Label', 'Member', 'Person', 'Team', 'Badge'];

const ownTeam = (viewer: Viewer) => ({ members: { some: { personId: viewer.id } } });
const owned = (viewer: Viewer) => ({ team: { members: { some: { personId: viewer.id, role: 'owner' } } } });
const written = (viewer: Viewer) => ({ authorId: viewer.id });

const rules = {
  Team: {
    read: ownTeam,
    update: ownTeam,
    fields: { plan: { read: (viewer: Viewer) => ({ members: { some: { personId: viewer.id, role: 'owner' } } }) } },
  },
  Person: {
    read: (viewer: Viewer) => ({ OR: [{ id: viewer.id }, { members: { some: { team: ownTeam(viewer) } } }] }),
    update: (viewer: Viewer) => ({ id: viewer.id }),
    fields: { email: { read: (viewer: Viewer) => ({ id: viewer.id }) } },
  },
  // Asks of its team what the team's own rule asks, and nothing else: a team's members need no second look.
  Member: { read: (viewer: Viewer) => ({ team: ownTeam(viewer) }) },
  // Asks the same of its team, but something else besides: a team's papers do need one.
  Paper: {
    read: (viewer: Viewer) => ({ team: ownTeam(viewer), draft: false }),
    create: written,
    update: written,
    delete: written,
    fields: {
      price: { read: owned },
      note: { read: false },
      tags: { read: owned },
      facts: { read: owned },
      reviewerId: { read: (viewer: Viewer) => ({ reviewerId: viewer.id }) },
      stage: { write: owned },
    },
  },
  // Asks something else of its paper than the paper's own rule does: a page that is seen leads to a paper that is not.
  Page: { read: { paper: { draft: false } }, create: true, update: true },
  Label: { read: { secret: false }, create: true },
  Badge: { read: true, fields: { id: { read: false } } },
} as const;

/** Fields of an application's own stand on what the viewer may know as well. */
const extend = defineSchema(({ dataField }) => {
  // @NOTE the types are those of the example's models.
  const add = dataField as unknown as (model: string, name: string, needs: string[], define: unknown) => void;
  add('Paper', 'loudNote', ['note'], (t: { string(options: object): unknown }) =>
    t.string({ nullable: true, resolve: (paper: { note: string | null }) => paper.note && `${paper.note}!` }),
  );
});

/** Who asks about the papers. */
export type Who = 'ann' | 'ben' | 'eve' | 'a stranger' | 'the admin';

/** The papers, on a server of their own. */
export interface World extends AsyncDisposable {
  server: TestServer;
  as(who: Who): Asker;
  /** Puts the rows back as they were. */
  reset(): Promise<void>;
}

/** Starts a server for the papers; `start` is another server's than ours, `databaseUrl` a database that has their tables. */
export async function startWorld(options: Pick<TestServerOptions, 'start' | 'databaseUrl'> = {}): Promise<World> {
  const server = await startSchemaServer({ schema, rules, extend, rows, ...options });
  const askers = new Map<Who, Asker>([
    ['a stranger', server.stranger],
    ['the admin', server.as({ role: 'admin' })],
  ]);
  for (const sub of ['ann', 'ben', 'eve'] as const) askers.set(sub, server.as({ sub }));
  return {
    server,
    as: (who) => askers.get(who)!,
    reset: async () => {
      await ask(server.databaseUrl, `${tables.map((table) => `delete from "${table}";`).join('')}${rows}`);
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
