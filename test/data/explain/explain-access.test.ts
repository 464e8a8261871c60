import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RuleSet } from '../../../src/data/rules/rule-set.ts';
import { startSchemaServer } from '../../support/schema-server.ts';
import type { Answer, TestServer } from '../../support/server.ts';

const schema = `
model Harbour {
  id    Int     @id
  name  String
  open  Boolean
  boats Boat[]
}

model Boat {
  country   String
  no        Int
  name      String
  owner     String?
  length    Int?
  note      String?
  harbourId Int?
  harbour   Harbour? @relation(fields: [harbourId], references: [id])
  crew      Sailor[]
  @@id([country, no])
}

model Sailor {
  id      Int    @id
  login   String
  rank    String
  country String
  no      Int
  boat    Boat   @relation(fields: [country, no], references: [country, no])
}

model Tide {
  id     Int @id
  height Int
}
`;

const rows = `
  insert into "Harbour" values (1, 'Bergen', true), (2, 'Shadow', true), (3, 'Oslo', false);
  insert into "Boat" values
    ('NO', 1, 'Ida', 'ann', 8, 'rotten', 1), ('NO', 2, 'Eva', 'ben', null, 'gold', 2), ('NO', 3, 'Leif', null, 20, null, null);
  insert into "Sailor" values (1, 'cleo', 'mate', 'NO', 2), (2, 'cleo', 'cook', 'NO', 3), (3, 'dan', 'mate', 'NO', 3);`;

const rules: RuleSet = {
  Harbour: {
    read: true,
    update: ({ claims }) => ({ id: { in: (claims.harbours as unknown[]).map(Number) } }),
  },
  Boat: {
    read: ({ id }) => ({
      OR: [
        { owner: id },
        { harbour: { open: true, name: { not: 'Shadow' } } },
        { crew: { some: { login: id, rank: 'mate' } } },
      ],
    }),
    create: ({ role }) => role === 'builder' || { harbour: { is: { open: true } } },
    update: ({ id }) => ({ owner: id, NOT: { length: { gt: 10 } } }),
    fields: {
      name: { write: ({ id }) => ({ owner: id }) },
      note: { read: ({ id }) => ({ owner: id }), write: false },
    },
  },
  Sailor: { api: { name: 'Person', rename: { login: 'account' } }, read: true, update: ({ id }) => ({ login: id }) },
  Tide: {
    api: { omit: ['id'] },
    read: true,
    update: ({ role }) => (role === 'late' ? Promise.resolve(true) : role !== 'odd' || { depth: 5 }),
  },
};

let server: TestServer;
beforeAll(async () => {
  server = await startSchemaServer({ schema, rows, rules });
});
afterAll(() => server[Symbol.asyncDispose]());

const query = `query ($input: ExplainAccessInput!) { explainAccess(input: $input) {
  allowed reason rule error exists
  rules { rule isDeclared verdict holds condition parts { path joined holds condition } }
  fields { name read write }
} }`;

type Input = Record<string, unknown>;

const asked = (input: Input): Promise<Answer> => server.as({ role: 'admin' }).query(query, { input });

async function explain(input: Input) {
  const { data, errors } = await asked({ model: 'Boat', ...input });
  expect(errors).toBeUndefined();
  return data.explainAccess;
}

const boat = (no: number, country = 'NO') => ({ country_no: { country, no } });
const [ann, ben, cleo, dan, stranger] = [{ id: 'ann' }, { id: 'ben' }, { id: 'cleo' }, { id: 'dan' }, {}];

describe('who may have access explained', () => {
  const input = { model: 'Boat', action: 'READ', where: boat(1), viewer: ann };

  it('is the admin role alone, of a server that is not the embedded one of development', async () => {
    const [member, nobody] = await Promise.all([
      server.as({ sub: 'ann', role: 'member' }).query(query, { input }),
      server.stranger.query(query, { input }),
    ]);
    expect(member.data).toBeNull();
    expect(member.errors!.map((e) => e.extensions.code)).toEqual(['FORBIDDEN']);
    expect(nobody.data).toBeNull();
    expect(nobody.errors!.map((e) => e.extensions.code)).toEqual(['UNAUTHENTICATED']);
  });

  it('is everybody where the server says so, who is then asked about unless somebody else is named', async () => {
    await using open = await startSchemaServer({
      schema,
      rules,
      databaseUrl: server.databaseUrl,
      config: (c) => ({ ...c, graphql: { ...c.graphql, explain: { ...c.graphql.explain, isOpen: true } } }),
    });
    const ask = async (asker: { query: TestServer['stranger']['query'] }, viewer?: object) =>
      (await asker.query(query, { input: { ...input, action: 'UPDATE', viewer } })).data.explainAccess.allowed;
    expect(await ask(open.stranger)).toBe(false);
    expect(await ask(open.stranger, ann)).toBe(true);
    expect(await ask(open.as({ sub: 'ann' }))).toBe(true);
    expect(await ask(open.as({ sub: 'ben' }))).toBe(false);
    expect(await ask(open.as({ sub: 'ben' }), { role: 'admin' })).toBe(true);
  });
});

describe('a rule', () => {
  it.each([
    ['its owner', 1, ann, true, [true, true, true, true, false, false, false]],
    ['anybody, by the harbour', 1, dan, true, [false, true, true, true, false, false, false]],
    ['its owner, where the harbour is the wrong one', 2, ben, true, [true, false, true, false, false, false, false]],
    ['a mate', 2, cleo, true, [false, false, true, false, true, true, true]],
    ['nobody of it', 2, dan, false, [false, false, true, false, false, false, false]],
    ['its cook', 3, cleo, false, [null, false, false, false, false, true, false]],
    ['somebody who is not known', 2, stranger, false, [null, false, true, false, null, null, null]],
  ])('is told part by part, in the case of %s', async (_, no, viewer, allowed, expected) => {
    const { rule, rules, ...told } = await explain({ action: 'READ', where: boat(no), viewer });
    expect({ allowed: told.allowed, rule }).toEqual({ allowed, rule: 'read:Boat' });
    const { parts, holds } = rules[0];
    expect(holds === true).toBe(allowed);
    expect(parts.map((p: { path: string; joined: string }) => `${p.joined} ${p.path}`)).toEqual([
      'ANY OR.0',
      'ANY OR.1',
      'ALL OR.1.harbour.open',
      'ALL OR.1.harbour.name',
      'ANY OR.2',
      'SOME OR.2.crew.some.login',
      'SOME OR.2.crew.some.rank',
    ]);
    expect(parts.map((p: { holds: boolean | null }) => p.holds)).toEqual(expected);
  });

  it('is told in the words in which it was written, what it lacks of the viewer among them', async () => {
    const { rules } = await explain({ action: 'READ', where: boat(1), viewer: stranger });
    expect(rules[0].parts.map((p: { condition: unknown }) => p.condition)).toEqual([
      { owner: { $undefined: true } },
      { harbour: { open: true, name: { not: 'Shadow' } } },
      { harbour: { open: true } },
      { harbour: { name: { not: 'Shadow' } } },
      { crew: { some: { login: { $undefined: true }, rank: 'mate' } } },
      { crew: { some: { login: { $undefined: true } } } },
      { crew: { some: { login: { $undefined: true }, rank: 'mate' } } },
    ]);
  });

  it('is told with what it denies', async () => {
    const { allowed, reason, error, rules } = await explain({ action: 'UPDATE', where: boat(2), viewer: ben });
    expect({ allowed, error }).toEqual({ allowed: false, error: 'FORBIDDEN' });
    expect(reason).toBe('update:Boat does not hold for this row');
    // Its length is not known, so it is not known whether it is too long.
    expect(rules[1]).toMatchObject({ rule: 'update:Boat', verdict: 'CONDITION', holds: null });
    expect(rules[1].parts).toMatchObject([
      { path: 'owner', joined: 'ALL', holds: true },
      { path: 'NOT', joined: 'ALL', holds: null },
      { path: 'NOT.0', joined: 'NONE', holds: null, condition: { length: { gt: 10 } } },
    ]);
  });
});

describe('parts', () => {
  const wheres: object[] = [
    { owner: 'ann', length: { lt: 10 }, harbour: { name: 'Bergen' } },
    { AND: [{ OR: [{ owner: 'ann' }, { no: 3 }] }, { NOT: [{ length: 20 }, { note: 'gold' }] }] },
    { OR: [{ harbour: { is: { open: true, OR: [{ name: 'Bergen' }, { id: 9 }] } } }, { length: { gt: 10 }, no: 3 }] },
    { harbour: { open: true, NOT: { name: 'Shadow' } } },
    { harbour: { OR: [{ name: 'Shadow' }, { name: 'Oslo' }] } },
    { NOT: { harbour: { name: 'Shadow', open: true } } },
    { NOT: { OR: [{ harbour: { name: 'Bergen' } }, { owner: 'ben' }] } },
    { NOT: [{ owner: 'ann' }, { length: 8 }] },
    { crew: { some: { login: 'cleo', rank: 'mate', id: { gt: 0 } } } },
    { harbour: { isNot: null }, crew: { none: { login: 'dan' } } },
    { AND: { OR: { owner: 'ben', no: 2 } } },
    { OR: [] },
    { harbour: null, owner: null },
  ];

  type Part = { path: string; joined: string; holds: boolean | null };
  const parentOf = ({ path, joined }: Part) => `${joined} ${path.split('.').slice(0, -1).join('.')}`;

  /** What the parts come to together. */
  function together(parts: Part[]): boolean {
    if (parts[0]!.joined === 'ANY') return parts.some((part) => part.holds === true);
    if (parts[0]!.joined === 'NONE') return parts.every((part) => part.holds === false);
    return parts.every((part) => part.holds === true);
  }

  it('come to what the whole comes to, for every row', async () => {
    await using other = await startSchemaServer({
      schema,
      databaseUrl: server.databaseUrl,
      rules: { Boat: { read: ({ role }) => wheres[Number(role ?? 0)] ?? false } },
    });
    let [taken, held] = [0, 0];
    for (const [index, where] of wheres.entries()) {
      for (const no of [1, 2, 3]) {
        const input = { viewer: { role: String(index) }, model: 'Boat', action: 'READ', where: boat(no) };
        const { data } = await other.as({ role: 'admin' }).query(query, { input });
        const [{ holds, parts }] = data.explainAccess.rules as [{ holds: boolean | null; parts: Part[] }];
        const found = await other.as({ sub: 'x', role: String(index) }).query('{ boats { nodes { no } } }');
        const about = `${JSON.stringify(where)} of ${no}`;
        expect(holds === true, about).toBe(found.data.boats.nodes.some((node: { no: number }) => node.no === no));
        if (parts.length === 0) continue;
        const top = parts.filter((part) => parentOf(part) === parentOf(parts[0]!));
        expect(together(top), `${about}: ${JSON.stringify(parts)}`).toBe(holds === true);
        taken += 1;
        if (holds) held += 1;
      }
    }
    expect({ taken, held }).toEqual({ taken: 36, held: 13 });
  });
});

describe('a decision', () => {
  it.each<[input: Input, allowed: boolean | null, rule: string | null, error: string | null, reason: string]>([
    [{ action: 'UPDATE', where: boat(1), viewer: ann }, true, 'update:Boat', null, 'holds for this row'],
    [{ action: 'UPDATE', where: boat(1), viewer: dan }, false, 'update:Boat', 'FORBIDDEN', 'does not hold'],
    [{ action: 'UPDATE', where: boat(2), viewer: dan }, false, 'read:Boat', 'NOT_FOUND', 'the row is hidden'],
    [{ action: 'READ', where: boat(2), viewer: dan }, false, 'read:Boat', null, 'the row is hidden'],
    [{ action: 'READ', where: boat(9), viewer: dan }, false, null, null, 'there is no such row'],
    [{ action: 'UPDATE', where: boat(9), viewer: ann }, false, null, 'NOT_FOUND', 'there is no such row'],
    [{ action: 'UPDATE', where: boat(9), viewer: { role: 'admin' } }, false, null, 'NOT_FOUND', 'no such row'],
    [{ action: 'DELETE', where: boat(1), viewer: ann }, false, 'delete:Boat', 'FORBIDDEN', 'there is no rule'],
    [{ action: 'DELETE', where: boat(1), viewer: stranger }, false, 'delete:Boat', 'UNAUTHENTICATED', 'no rule'],
    [{ action: 'DELETE', where: boat(1), viewer: { role: 'admin' } }, true, null, null, 'the admin role stands above'],
    [{ action: 'UPDATE', viewer: ann }, null, 'read:Boat', null, 'depends on the row'],
    [{ action: 'CREATE', viewer: { role: 'builder' } }, true, 'create:Boat', null, 'is open to this viewer'],
    [{ action: 'CREATE', where: boat(1), viewer: ann }, true, 'create:Boat', null, 'holds for this row'],
    [{ action: 'CREATE', where: boat(3), viewer: ann }, false, 'create:Boat', 'FORBIDDEN', 'does not hold'],
    [{ action: 'CREATE', where: boat(9), viewer: ann }, null, 'create:Boat', null, 'no such row to judge it by'],
    [{ action: 'READ', where: boat(1), viewer: ann, field: 'note' }, true, 'read:Boat.note', null, 'holds'],
    [{ action: 'READ', where: boat(1), viewer: dan, field: 'note' }, false, 'read:Boat.note', null, 'value is hidden'],
    [{ action: 'READ', where: boat(2), viewer: dan, field: 'note' }, false, 'read:Boat', null, 'row is hidden'],
    [{ action: 'READ', where: boat(1), viewer: dan, field: 'name' }, true, 'read:Boat.name', null, 'is open'],
    [{ action: 'UPDATE', where: boat(1), viewer: ann, field: 'name' }, true, 'write:Boat.name', null, 'holds'],
    [{ action: 'UPDATE', where: boat(1), viewer: ann, field: 'note' }, false, 'write:Boat.note', 'FORBIDDEN', 'closed'],
    [
      { action: 'CREATE', where: boat(1), viewer: dan, field: 'name' },
      false,
      'write:Boat.name',
      'FORBIDDEN',
      'not be set',
    ],
  ])('on %j', async (input, allowed, rule, error, reason) => {
    const found = await explain(input);
    expect({ allowed: found.allowed, rule: found.rule, error: found.error }).toEqual({ allowed, rule, error });
    expect(found.reason).toContain(reason);
    const named = (input.where as ReturnType<typeof boat> | undefined)?.country_no.no;
    expect(found.exists).toBe(named === undefined ? null : named < 9);
  });

  it('says of every field whether the viewer may read it and set it, by its own rule', async () => {
    const fieldsOf = async (viewer: object, where?: object) => {
      const { fields } = await explain({ action: 'READ', where, viewer });
      const told = fields.filter((f: { name: string }) => ['no', 'name', 'note'].includes(f.name));
      expect(fields).toHaveLength(7);
      return told.map((f: { read: unknown; write: unknown }) => [f.read, f.write]);
    };
    expect(await fieldsOf(ann, boat(1))).toEqual([
      [true, true],
      [true, true],
      [true, false],
    ]);
    expect(await fieldsOf(dan, boat(1))).toEqual([
      [true, true],
      [true, false],
      [false, false],
    ]);
    expect(await fieldsOf(stranger, boat(1))).toEqual([
      [true, true],
      [true, false],
      [false, false],
    ]);
    expect(await fieldsOf(dan)).toEqual([
      [true, true],
      [true, null],
      [null, false],
    ]);
    expect(await fieldsOf({ role: 'admin' })).toEqual([
      [true, true],
      [true, true],
      [true, true],
    ]);
  });

  it('tells a rule that fails for the viewer, and reads the row by the others all the same', async () => {
    const input = { model: 'Harbour', action: 'UPDATE', where: { id: 1 } };
    const failed = await explain({ ...input, viewer: ann });
    expect(failed).toMatchObject({ allowed: false, error: 'INTERNAL', exists: true, rule: 'update:Harbour' });
    expect(failed.reason).toContain("reading 'map'");
    expect(failed.rules).toMatchObject([
      { verdict: 'OPEN', holds: true },
      { verdict: 'FAILED', holds: null },
    ]);
    const known = (harbours: unknown[]) => explain({ ...input, viewer: { ...ann, claims: { harbours } } });
    expect((await known(['1', 2])).allowed).toBe(true);
    expect((await known([2])).allowed).toBe(false);
  });

  it('tells a rule that returns what is no rule', async () => {
    const asked = (role: string) => explain({ model: 'Tide', action: 'UPDATE', viewer: { id: 'ann', role } });
    expect(await asked('even')).toMatchObject({ allowed: true });
    for (const [role, words] of [
      ['odd', 'Tide has no field depth'],
      ['late', 'is it async?'],
    ] as const) {
      const { reason, ...failed } = await asked(role);
      expect(failed).toMatchObject({ allowed: false, rule: 'update:Tide', error: 'INTERNAL' });
      expect(reason).toContain(words);
    }
  });

  it('knows models and fields by their names in the API, and rules by those in the schema', async () => {
    const input = { model: 'Person', where: { id: 1 }, viewer: cleo, field: 'account' };
    const read = await explain({ ...input, action: 'READ' });
    expect(read).toMatchObject({ allowed: true, rule: 'read:Sailor.login' });
    expect(read.fields.map((f: { name: string }) => f.name)).toEqual(['id', 'account', 'rank', 'country', 'no']);
    expect(await explain({ ...input, action: 'UPDATE' })).toMatchObject({ allowed: true, rule: 'write:Sailor.login' });
    expect((await asked({ ...input, model: 'Sailor', action: 'READ' })).errors![0]!.message).toContain('"Sailor"');
  });
});

describe('a question that makes no sense', () => {
  it.each([
    [{ model: 'Bout', action: 'READ' }, 'input.model'],
    [{ model: '__proto__', action: 'READ' }, 'input.model'],
    [{ model: 'Boat', action: 'READ', field: 'nam' }, 'input.field'],
    [{ model: 'Boat', action: 'READ', field: 'constructor' }, 'input.field'],
    [{ model: 'Boat', action: 'READ', field: 'harbour' }, 'input.field'],
    [{ model: 'Boat', action: 'DELETE', field: 'name' }, 'input.field'],
    [{ model: 'Person', action: 'READ', field: 'login' }, 'input.field'],
    [{ model: 'Tide', action: 'READ', where: { id: 1 } }, 'input.where'],
    [{ model: 'Boat', action: 'READ', where: {} }, 'input.where'],
    [{ model: 'Boat', action: 'READ', where: 'NO/1' }, 'input.where'],
    [{ model: 'Boat', action: 'READ', where: [boat(1), boat(2)] }, 'input.where'],
    [{ model: 'Boat', action: 'READ', where: { country: 'NO' } }, 'input.where'],
    [{ model: 'Boat', action: 'READ', where: { country_no: null } }, 'input.where'],
    [{ model: 'Boat', action: 'READ', where: { country_no: { country: 'NO' } } }, 'input.where.country_no'],
    [{ model: 'Boat', action: 'READ', where: boat('1 or true' as never) }, 'input.where.country_no.no'],
    [{ model: 'Boat', action: 'READ', where: boat(1, { not: 'NO' } as never) }, 'input.where.country_no.country'],
    [{ model: 'Boat', action: 'READ', where: boat(1, 'N\0') }, undefined],
    [{ model: 'Harbour', action: 'READ', where: { id: 2 ** 40 } }, 'input.where.id'],
    [{ model: 'Boat', action: 'READ', viewer: { claims: 'all' } }, 'input.viewer.claims'],
    [{ model: 'Boat', action: 'READ', viewer: { claims: [1] } }, 'input.viewer.claims'],
  ])('is INVALID_INPUT: %j', async (input, path) => {
    const { data, errors } = await asked(input);
    expect(data).toBeNull();
    expect(errors).toHaveLength(1);
    expect(errors![0]!.extensions.code).toBe('INVALID_INPUT');
    if (path) expect(errors![0]!.extensions.fields!.map((f) => f.path)).toEqual([path]);
  });

  it('is INVALID_INPUT however deeply it is nested', async () => {
    const depth = 50_000;
    const nested = `${'['.repeat(depth)}${']'.repeat(depth)}`;
    const input = (more: string) => `{"model":"Harbour","action":"READ",${more}}`;
    for (const more of [
      `"where":{"id":${nested}}`,
      `"where":${nested}`,
      `"viewer":{"claims":{"harbours":${nested}}}`,
    ]) {
      const body = `{"query":${JSON.stringify(query)},"variables":{"input":${input(more)}}}`;
      const { errors } = (await (await server.as({ role: 'admin' }).post(body)).json()) as Answer;
      expect(errors?.map((e) => e.extensions.code)).toEqual(['INVALID_INPUT']);
    }
  });

  it('takes no text of the viewer’s for SQL, nor for another condition', async () => {
    const id = "ann' or true --";
    expect((await explain({ action: 'UPDATE', where: boat(1), viewer: { id } })).allowed).toBe(false);
    const claims = { sub: { not: 'x' }, harbours: [{ not: 0 }, '1) or (true'] };
    const asObject = await explain({ action: 'READ', where: boat(2), viewer: { claims } });
    expect(asObject).toMatchObject({ allowed: false });
    const harbour = await explain({ model: 'Harbour', action: 'UPDATE', where: { id: 1 }, viewer: { claims } });
    expect(harbour).toMatchObject({ allowed: false });
  });

  it('finds a rule of any length too long to be taken apart, and judges it as a whole', async () => {
    await using long = await startSchemaServer({
      schema,
      databaseUrl: server.databaseUrl,
      rules: { Boat: { read: ({ claims }) => ({ OR: (claims.nos as number[]).map((no) => ({ no })) }) } },
    });
    const ask = async (count: number) => {
      const viewer = { claims: { nos: Array.from({ length: count }, (_, i) => i + 1) } };
      const input = { model: 'Boat', action: 'READ', where: boat(3), viewer };
      return (await long.as({ role: 'admin' }).query(query, { input })).data.explainAccess;
    };
    const few = await ask(200);
    expect(few.rules[0].parts).toHaveLength(200);
    expect(few.rules[0].parts.filter((p: { holds: boolean }) => p.holds)).toMatchObject([{ path: 'OR.2' }]);
    expect(await ask(201)).toMatchObject({ allowed: true, rules: [{ parts: [] }] });
  });
});
