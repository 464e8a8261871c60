import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeRules } from '../../src/cli/rules/print-rules.ts';
import { readDatamodel } from '../../src/data/model/read-datamodel.ts';
import type { RuleSet } from '../../src/data/rules/rule-set.ts';
import { makeProject, millrace } from '../support/command-line.ts';

const schema = `
model Boat {
  id       Int      @id
  name     String
  note     String?
  ownerId  BigInt
  soldAt   DateTime
  crew     Sailor[]
  harbour  Harbour? @relation(fields: [harbourId], references: [id])
  harbourId Int?
}

model Sailor {
  id     Int    @id
  login  String
  boat   Boat   @relation(fields: [boatId], references: [id])
  boatId Int
}

model Harbour {
  id    Int    @id
  team  String
  boats Boat[]
}

view Tide {
  height Int
}
`;

const datamodel = readDatamodel([{ path: 'prisma/app.prisma', content: schema }]);

const describeFor = (rules: RuleSet, options: Parameters<typeof describeRules>[1] = {}) =>
  describeRules({ datamodel, rules }, options, 'admin');

/** What is said of the rule for reading boats, by viewer. */
async function cellsOf(read: NonNullable<RuleSet[string]>['read'], options = {}): Promise<Record<string, string>> {
  const text = await describeFor({ Boat: { read } }, { ...options, json: true });
  return (JSON.parse(text) as { Boat: { rules: { read: Record<string, string> } } }).Boat.rules.read;
}

const rules: RuleSet = {
  Boat: {
    read: ({ id, role }) => role === 'master' || { OR: [{ crew: { some: { login: id } } }, { name: 'Ida' }] },
    create: ({ isAnonymous }) => !isAnonymous,
    update: ({ id }) => ({ ownerId: BigInt(id ?? 0) }),
    fields: {
      note: { read: ({ id }) => ({ crew: { some: { login: id } } }), write: false },
      name: { write: ({ claims }) => ({ harbour: { team: claims.team } }) },
    },
  },
  Sailor: { api: false },
  Harbour: { api: { omit: ['team'] }, read: true },
};

describe('the matrix of rules', () => {
  it('is a text of one line for each rule and viewer, but for roles that are like all others', async () => {
    expect(await describeFor(rules, { role: ['master', 'admin'], claim: { team: undefined } })).toBe(
      `# What the rules come to: all rows, none, or those that match. The admin role may do everything.
# A role that is not named has what everybody has who is signed in. Printed by npx millrace rules.

Boat
  read
    stranger: { OR: [{ crew: { some: { login: undefined } } }, { name: 'Ida' }] }
    signed in: { OR: [{ crew: { some: { login: viewer.id } } }, { name: 'Ida' }] }
    role master: all
    role admin: all
  create
    stranger: none
    signed in: all
  update
    stranger: { ownerId: 0n }
    signed in: { ownerId: BigInt(viewer.id) }
    role admin: all
  delete
    stranger: none
    signed in: none
    role admin: all
  write name
    stranger: none
    signed in: { harbour: { team: viewer.claims.team } }
    role admin: all
  read note
    stranger: none
    signed in: { crew: { some: { login: viewer.id } } }
    role admin: all
  write note
    stranger: none
    signed in: none
    role admin: all

Harbour (without team)
  read: all
  create
    stranger: none
    signed in: none
    role admin: all
  update
    stranger: none
    signed in: none
    role admin: all
  delete
    stranger: none
    signed in: none
    role admin: all

Sailor (not in the API)
  read
    stranger: none
    signed in: none
    role admin: all
  create
    stranger: none
    signed in: none
    role admin: all
  update
    stranger: none
    signed in: none
    role admin: all
  delete
    stranger: none
    signed in: none
    role admin: all

Tide
  read
    stranger: none
    signed in: none
    role admin: all
`,
    );
  });

  it('differs in one line where a rule differs for one viewer', async () => {
    const before = (await describeFor(rules)).split('\n');
    const create = ({ id }: { id?: string }) => (id === undefined ? false : { name: { not: 'Ida' } });
    const after = (await describeFor({ ...rules, Boat: { ...rules.Boat, create } })).split('\n');
    expect(after.filter((line, i) => line !== before[i])).toEqual(["    signed in: { name: { not: 'Ida' } }"]);
    const opened = (await describeFor({ ...rules, Tide: { read: true } })).split('\n');
    expect(opened.filter((line, i) => line !== before[i])).toEqual(['  read: all']);
  });

  it('says of a condition that can match no row that it is none, and of no other', async () => {
    const never = [
      { name: undefined },
      { AND: [{ id: 1 }, { name: { in: [undefined] } }] },
      { OR: [] },
      { OR: [{ name: undefined }, { harbour: { is: { team: undefined } } }] },
      { crew: { some: { login: undefined, id: 1 } } },
    ];
    for (const where of never) expect((await cellsOf(where)).stranger, JSON.stringify(where)).toBe('none');
    const perhaps: [object, string][] = [
      [{ OR: [{ name: undefined }, { id: 1 }] }, '{ OR: [{ name: undefined }, { id: 1 }] }'],
      [{ NOT: { id: 1, name: undefined } }, '{ NOT: { id: 1, name: undefined } }'],
      [{ crew: { none: { login: undefined } } }, '{ crew: { none: { login: undefined } } }'],
      [{ crew: { every: { login: undefined } } }, '{ crew: { every: { login: undefined } } }'],
      [{ harbour: { isNot: { team: undefined } } }, '{ harbour: { isNot: { team: undefined } } }'],
      [{}, 'all'],
    ];
    for (const [where, text] of perhaps) expect((await cellsOf(where)).stranger).toBe(text);
  });

  it('is the same whenever it is printed: what moves with the clock is told as that', async () => {
    const { stranger } = await cellsOf(() => ({
      soldAt: { lt: new Date(), gt: new Date(Date.now() - 7 * 86_400_000), not: new Date('2026-01-31T12:00:00Z') },
      ownerId: { in: [BigInt(Date.now())] },
      name: Math.random().toString(36),
    }));
    expect(stranger).toBe(
      '{ soldAt: { lt: now, gt: now - 7 d, not: 2026-01-31T12:00:00.000Z }, ownerId: { in: [<differs each time>] }, name: <differs each time> }',
    );
  });

  it('keeps a line a line, and text apart from what it might be taken for', async () => {
    const name = "O'Hara\n  read: all";
    expect(await cellsOf({ name })).toMatchObject({ stranger: "{ name: 'O\\'Hara\\n  read: all' }" });
    expect(await cellsOf({ name: { in: ['viewer.id', '1', 'undefined'] }, id: 1, harbour: null })).toMatchObject({
      stranger: "{ name: { in: ['viewer.id', '1', 'undefined'] }, id: 1, harbour: null }",
    });
    const cells = await cellsOf(({ id, claims }) => ({ id: Number(id), name: `${claims.plan}/${id}` }), {
      claim: { plan: 'pro' },
    });
    expect(cells['signed in']).toBe('{ id: Number(viewer.id), name: `pro/${' + 'viewer.id}` }');
  });

  it('says of a rule that throws for a viewer that it throws', async () => {
    const read = ({ claims }: { claims: Record<string, unknown> }) => ({
      id: { in: (claims.ids as number[]).map(Number) },
    });
    expect(await cellsOf(read, { claim: { ids: [1, 2] } })).toEqual({
      stranger: 'throws',
      'signed in': '{ id: { in: [1, 2] } }',
    });
  });
});

describe('npx millrace rules', () => {
  let project: ReturnType<typeof makeProject>;
  beforeAll(() => {
    project = makeProject({
      'prisma/schema.prisma': readFileSync('prisma/schema.prisma', 'utf8'),
      'prisma/app.prisma': 'model Note {\n  id Int @id\n  owner String\n}\n',
      'app/rules.ts': `export default { Note: { read: (v) => v.role === 'boss' || { owner: v.claims.team } } };`,
    });
  });
  afterAll(() => project.remove());

  it('prints the matrix and nothing else, without a database', async () => {
    const args = ['rules', '--role', 'clerk', '--role', 'boss', '--claim', 'team', '--claim', 'level=5'];
    const env = { DATABASE_URL: 'postgres://127.0.0.1:1/nowhere', ADMIN_ROLE: 'boss' };
    const { code, stdout, stderr } = await millrace(project.root, args, env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.split('\n\n')[1]).toBe(
      [
        'Note',
        '  read',
        '    stranger: none',
        '    signed in: { owner: viewer.claims.team }',
        '    role boss: all',
        ...['create', 'update', 'delete'].flatMap((action) => [
          `  ${action}`,
          '    stranger: none',
          '    signed in: none',
          '    role boss: all',
        ]),
        '',
      ].join('\n'),
    );
  });

  it.each([
    [['--role', ''], 'Expected a role'],
    [['--claim', '=5'], 'Expected key or key=value'],
  ])('refuses %j on stderr alone', async (args, reason) => {
    const { code, stdout, stderr } = await millrace(project.root, ['rules', ...args]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(reason);
  });
});
