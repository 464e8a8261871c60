import { readFileSync } from 'node:fs';
import { readDatamodel } from '../../../../src/data/model/read-datamodel.ts';
import type { RuleSet } from '../../../../src/data/rules/rule-set.ts';
import { rows as tortureRows } from '../../torture/rows.ts';

const [u1, u2, u3] = [1, 2, 3].map((n) => `018f0000-0000-7000-8000-00000000000${n}`) as [string, string, string];

/** What the torture schema does not have: columns and rows that the database has a say of its own in. */
const vaults = `
model Vault {
  id      Int    @id
  name    String @unique @db.VarChar(20)
  amount  Int    @default(1)
  remainder Int?   @default(dbgenerated())
  begin   Int?
  finish  Int?
  boxes   Box[]
  @@schema("public")
}

model Box {
  id      Int    @id
  label   String
  vaultId Int
  vault   Vault  @relation(fields: [vaultId], references: [id], onDelete: Restrict)
  coins   Coin[]
  @@unique([vaultId, label])
  @@schema("public")
}

model Coin {
  id    Int   @id
  worth Int   @db.SmallInt
  boxId Int?
  box   Box?  @relation(fields: [boxId], references: [id], onDelete: Restrict)
  @@schema("public")
}
`;

/** Every table, column and constraint has a name in the database that the API does not have. */
function withTellingNames(text: string): string {
  const types = 'String|Int|BigInt|Float|Decimal|Boolean|DateTime|Json|Bytes|Mood|SortOrder';
  const column = new RegExp(`^( +)(\\w+)( +(?:${types})(?:\\[\\]|\\?)?)(?= |$)(.*)$`);
  let model = '';
  return text
    .split('\n')
    .map((line) => {
      const opened = /^(?:model|view) (\w+)/.exec(line);
      if (opened) model = opened[1]!;
      if (line.startsWith('}')) model = '';
      if (!model) return line;
      if (opened) return `${line}\n  @@map("zz_${model}_table")`;
      if (line.trim().startsWith('@@map')) return '';
      const match = column.exec(line.replace(/ @map\("[^"]*"\)/, ''));
      if (match) return `${match[1]}${match[2]}${match[3]} @map("zz_${match[2]}_col")${match[4]}`;
      return line.replace(/map: "(\w+)[^"]*"/, 'map: "zz_$1_key"');
    })
    .join('\n');
}

/** The torture schema without its views, and what it does not have. */
export const schema = withTellingNames(
  readFileSync('test/schemas/torture/schema.prisma', 'utf8').replaceAll(/^view [^}]*^}/gm, '') + vaults,
);

export const datamodel = readDatamodel([{ path: 'prisma/app.prisma', content: schema }]);

/** Everybody may do everything: what fails here fails by the database or for what is asked. */
export const rules: RuleSet = Object.fromEntries(
  [...datamodel.models.keys()].map((name) => [name, { read: true, create: true, update: true, delete: true }]),
);

/** What the database's owner has put into it: they say a lot, none of which is for a client. */
export const guards = `
ALTER TABLE "zz_Specimen_table" ADD CONSTRAINT zz_unlucky_check CHECK (zz_integer_col <> 13);
ALTER TABLE "zz_Vault_table" ADD CONSTRAINT zz_amount_check CHECK (zz_amount_col >= 0);
ALTER TABLE "zz_Vault_table" DROP COLUMN zz_remainder_col;
ALTER TABLE "zz_Vault_table" ADD COLUMN zz_remainder_col int GENERATED ALWAYS AS (zz_amount_col % 100) STORED;
ALTER TABLE "zz_Vault_table" ADD CONSTRAINT zz_overlap_excl EXCLUDE USING gist (int4range(zz_begin_col, zz_finish_col) WITH &&) WHERE (zz_begin_col IS NOT NULL);
CREATE FUNCTION zz_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF new.zz_type_col LIKE 'raise %' THEN
    RAISE EXCEPTION 'hush: % breaks zz_guard', (SELECT string_agg("zz_full_name_col", ',') FROM "zz_users_table")
      USING ERRCODE = substr(new.zz_type_col, 7), DETAIL = 'Key (zz_type_col, zz_score_col)=(hush, 1) already exists.', HINT = 'hush hint',
        TABLE = 'zz_users_table', COLUMN = 'zz_x_col', CONSTRAINT = 'zz_hush_key', SCHEMA = 'public', DATATYPE = 'zz_hush';
  END IF;
  IF new.zz_type_col = 'vanish' THEN RETURN NULL; END IF;
  IF new.zz_type_col = 'assert' THEN ASSERT false, 'hush assertion'; END IF;
  IF new.zz_type_col = 'divide' THEN new.zz_x_col := 1 / (new.zz_first_col - new.zz_first_col); END IF;
  IF new.zz_type_col = 'cast' THEN new.zz_x_col := ('hush ' || current_user)::int; END IF;
  RETURN new;
END $$;
CREATE TRIGGER zz_guard_trigger BEFORE INSERT OR UPDATE ON "zz_users_table" FOR EACH ROW EXECUTE FUNCTION zz_guard();
CREATE FUNCTION zz_late() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'hush: too late for zz_late' USING ERRCODE = CASE new.zz_title_col WHEN 'late' THEN 'P0001' ELSE '23505' END;
END $$;
CREATE CONSTRAINT TRIGGER zz_late_trigger AFTER INSERT OR UPDATE ON "zz_News_table" DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (new.zz_title_col LIKE 'late%') EXECUTE FUNCTION zz_late();
`;

/** What is stored, as `create…` takes it. */
export const rows: readonly [model: string, data: Record<string, unknown>][] = [
  ...tortureRows,
  ['Lists', { id: 'lists', texts: ['hush'] }],
  ['Defaults', { id: 'defaults' }],
  [
    'Vault',
    {
      id: 1,
      name: 'hush one',
      amount: 2_000_000_000,
      begin: 1,
      finish: 10,
      boxes: {
        create: [
          {
            id: 1,
            label: 'hush a',
            coins: {
              create: [
                { id: 1, worth: 30_000 },
                { id: 2, worth: 1 },
              ],
            },
          },
        ],
      },
    },
  ],
  ['Vault', { id: 2, name: 'taken', amount: 5, boxes: { create: [{ id: 2, label: 'hush b' }] } }],
];

/** A new row of the model that could be made, whose keys nobody else has. */
export const bases: Record<string, (n: number) => Record<string, unknown>> = {
  Country: (n) => ({ code: n.toString(36).slice(-2), name: `c${n}` }),
  Region: (n) => ({ countryCode: 'NO', number: n, name: `r${n}` }),
  City: (n) => ({ countryCode: 'NO', region: 1, name: `city${n}` }),
  users: (n) => ({ full_name: `u${n}` }),
  News: (n) => ({ title: `t${n}`, authorId: u1 }),
  Data: (n) => ({ id: n }),
  Favourite: () => ({ userId: u3, newsId: 1 }),
  Query: (n) => ({ query: `q${n}` }),
  Node: (n) => ({ nodes: `n${n}` }),
  NodeEdge: (n) => ({ from: 1, to: n }),
  Session: (n) => ({ token: Buffer.from(String(n)).toString('base64'), userId: u1 }),
  File: (n) => ({ id: String(n), at: new Date(n * 1000).toISOString() }),
  Date: (n) => ({ on: new Date(n * 86_400_000).toISOString().slice(0, 10) }),
  Time: (n) => ({ at: new Date(n * 1000).toISOString() }),
  PriceList: (n) => ({ id: n }),
  Price: () => ({ amount: '1.5' }),
  Specimen: () => tortureRows.find(([model]) => model === 'Specimen')![1],
  Lists: () => ({}),
  Defaults: () => ({}),
  Vault: (n) => ({ id: n, name: `v${n}` }),
  Box: (n) => ({ id: n, label: `b${n}`, vaultId: 1 }),
  Coin: (n) => ({ id: n, worth: 1 }),
};

/** A row that is there, by a key of it. */
export type Named = readonly [model: string, where: Record<string, unknown>];

const place: Named = ['Region', { place: { countryCode: 'NO', number: 1 } }];
const bergen: Named = ['City', { serial: '1' }];
export const ada: Named = ['users', { id: u1 }];
const bo: Named = ['users', { id: u2 }];
const first: Named = ['News', { id: 1 }];
const one: Named = ['Data', { id: 1 }];
const vault: Named = ['Vault', { id: 1 }];
const box: Named = ['Box', { id: 1 }];
const coin: Named = ['Coin', { id: 1 }];
const root: Named = ['Query', { id: 1 }];
const branch: Named = ['Query', { id: 2 }];
const node: Named = ['Node', { id: 1 }];
const favourite: Named = ['Favourite', { userId_newsId: { userId: u2, newsId: 1 } }];
const norway: Named = ['Country', { code: 'NO' }];
const leapDay: Named = ['Date', { on: '2024-02-29' }];
const leapTime: Named = ['Time', { at: '2024-02-29T00:00:00.000001Z' }];

/** Rows that are there, and that no other one leads to here. */
export const alone: readonly Named[] = [
  ['Specimen', { id: 1 }],
  ['Lists', { id: 'lists' }],
  ['Defaults', { id: 'defaults' }],
  ['Session', { token: 'AAH/' }],
  ['File', { id: '0' }],
  ['NodeEdge', { to: 1 }],
  ['PriceList', { id: 0.1 }],
];

/** Rows that are there, and are related. */
export const edges: readonly [from: Named, relation: string, to: Named][] = [
  [norway, 'regions', place],
  [place, 'country', norway],
  [place, 'cities', bergen],
  [bergen, 'home', place],
  [bergen, 'mayor', bo],
  [bo, 'mayor_of', bergen],
  [bo, 'boss', ada],
  [ada, 'staff', bo],
  [bo, 'followers', ada],
  [ada, 'following', bo],
  [bo, 'tags', one],
  [one, 'users', bo],
  [ada, 'written', first],
  [first, 'author', ada],
  [bo, 'edited', first],
  [first, 'editor', bo],
  [first, 'data', one],
  [one, 'news', first],
  [first, 'by', favourite],
  [favourite, 'user', bo],
  [node, 'user', ada],
  [ada, 'node', node],
  [root, 'children', branch],
  [branch, 'parent', root],
  [leapDay, 'from', leapTime],
  [leapTime, 'date', leapDay],
  [vault, 'boxes', box],
  [box, 'vault', vault],
  [box, 'coins', coin],
  [coin, 'box', box],
];

/** Names no row of the model. */
export const nowhere: Record<string, Record<string, unknown>> = {
  Country: { code: 'ZZ' },
  Region: { place: { countryCode: 'ZZ', number: 1 } },
  City: { serial: '99999' },
  users: { id: '018f0000-0000-7000-8000-0000000000ff' },
  News: { id: 99_999 },
  Data: { id: 99_999 },
  Favourite: { userId_newsId: { userId: u3, newsId: 99_999 } },
  Query: { id: 99_999 },
  Node: { id: 99_999 },
  Date: { on: '1999-01-01' },
  Time: { at: '1999-01-01T00:00:00Z' },
  Vault: { id: 99_999 },
  Box: { id: 99_999 },
  Coin: { id: 99_999 },
};

/** Values of unique keys that other rows than those of `edges` have, as columns. */
export const taken: readonly [model: string, values: Record<string, unknown>][] = [
  ['Country', { code: 'IS' }],
  ['Country', { name: 'Iceland' }],
  ['Region', { countryCode: 'NO', name: 'East' }],
  ['Region', { countryCode: 'NO', number: 2 }],
  ['City', { countryCode: 'NO', region: 2, name: 'Oslo' }],
  ['City', { serial: '2' }],
  ['users', { id: u3 }],
  ['News', { id: 2 }],
  ['Data', { id: 0 }],
  ['Query', { id: 3 }],
  ['Node', { id: 2 }],
  ['Date', { on: '2024-03-01' }],
  ['Time', { at: '2024-02-29T00:00:00.000002Z' }],
  ['Vault', { id: 2 }],
  ['Vault', { name: 'taken' }],
  ['Box', { id: 2 }],
];
