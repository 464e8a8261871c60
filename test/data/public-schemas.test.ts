import { readdirSync, readFileSync } from 'node:fs';
import { buildSchema, getNamedType, isLeafType, isObjectType, printSchema } from 'graphql';
import { describe, expect, it } from 'vitest';
import { describeApi } from '../../src/data/api/api-model.ts';
import { readDatamodel } from '../../src/data/model/read-datamodel.ts';
import { buildSchema as buildApiSchema } from '../../src/graphql/schema.ts';
import { startSchemaServer } from '../support/schema-server.ts';

const directory = 'test/schemas/public';

/** What the views of a schema show, for migrations do not make them. */
const views: Record<string, string> = {
  'scheduling.prisma': `CREATE VIEW "BookingTimeStatus" AS
    SELECT id, uid, "eventTypeId", "startTime", status, 'upcoming' AS "timeStatus" FROM "Booking"`,
};

describe.each(readdirSync(directory))('%s, as it stands,', (name) => {
  it('starts, and answers every list and every field of it', async () => {
    const schema = readFileSync(`${directory}/${name}`, 'utf8');
    // An index of trigrams needs an extension that the schema takes for granted.
    const tables = schema.replace(/^.*gin_trgm_ops.*\n/m, '');
    await using server = await startSchemaServer({ schema: tables, rules: {}, rows: views[name] });
    const application = server.server.application();
    expect(application.datamodel.models.size).toBeGreaterThanOrEqual(20);
    for (const model of application.reads.api.models.values()) {
      const type = application.schema.getType(model.name);
      if (!isObjectType(type)) throw new Error(`${model.name} is no type`);
      const fields = Object.values(type.getFields()).map((field) => {
        if (isLeafType(getNamedType(field.type))) return field.name;
        if (field.name.endsWith('Aggregate')) return `${field.name} { count { _all } }`;
        return field.args.length > 0 ? `${field.name}(first: 1) { totalCount }` : `${field.name} { __typename }`;
      });
      const { data, errors } = await server
        .as({ role: 'admin' })
        .query(`{ list: ${model.many} { totalCount nodes { ${fields.join(' ')} } } }`);
      expect(errors, model.name).toBeUndefined();
      expect(data.list).toMatchObject({ totalCount: expect.any(Number), nodes: [] });
    }
  });
});

it('a schema of 100 models becomes an API within seconds', () => {
  const types = 'String Int Float Boolean DateTime Json Decimal BigInt Bytes String[]'.split(' ');
  const model = (n: number) => {
    const columns = Array.from({ length: n % 2 === 0 ? 20 : 5 }, (_, i) => {
      const type = types[i % types.length]!;
      return `  field${i} ${type}${i % 3 === 0 && !type.endsWith('[]') ? '?' : ''}`;
    });
    const parent = n > 0 ? [`  parent Model${n - 1}? @relation("to${n}", fields: [parentId], references: [id])`] : [];
    const child = n < 99 ? [`  children Model${n + 1}[] @relation("to${n + 1}")`] : [];
    const others = [2 * n, 2 * n + 1]
      .filter((m) => m > 1 && m < 100)
      .map((m) => `  others${m} Model${m}[] @relation("of${m}")`);
    const other = n > 1 ? [`  other Model${n >> 1}? @relation("of${n}", fields: [otherId], references: [id])`] : [];
    const lines = [...columns, '  parentId Int?', '  otherId Int?', ...parent, ...child, ...other, ...others];
    return `model Model${n} {\n  id Int @id\n${lines.join('\n')}\n}\n`;
  };
  const content = Array.from({ length: 100 }, (_, n) => model(n)).join('\n');
  // The processor's time: the machine may have other things to do.
  const start = process.cpuUsage();
  const schema = buildApiSchema(describeApi(readDatamodel([{ path: 'prisma/app.prisma', content }]), {}));
  const { user, system } = process.cpuUsage(start);
  const took = (user + system) / 1000;
  console.log(`100 models: ${Object.keys(schema.getTypeMap()).length} types in ${Math.round(took)} ms`);
  const ours = new Set(['changesCursor', 'explainAccess']);
  // One, many, and what is measured of them, together and by groups.
  expect(Object.keys(schema.getQueryType()!.getFields()).filter((name) => !ours.has(name))).toHaveLength(400);
  expect(took).toBeLessThan(5000);
});

describe('names', () => {
  const file = (content: string) => [{ path: 'prisma/app.prisma', content }];
  const model = (name: string, ...lines: string[]) => `model ${name} {\n  id Int @id\n  ${lines.join('\n  ')}\n}\n`;
  const api = (content: string) => describeApi(readDatamodel(file(content)), {});

  it('of models keep what they are, and names of ours give way', () => {
    const content = [
      model('Date', 'day DateTime @db.Date', 'order SortOrder'),
      model('Graph', 'edges Json'),
      model('GraphEdge'),
      model('Price'),
      model('PriceList'),
      model('Setting'),
      model('Settings'),
      model('Person'),
      model('People'),
      model('Subscription'),
      model('Query'),
      model('Mutation'),
      model('RulePart'),
      model('AccessAction'),
      'enum SortOrder {\n  ASC\n  DESC\n}\n',
    ].join('\n');
    const schema = buildApiSchema(api(content));
    // As others read it from its text.
    const read = buildSchema(printSchema(schema));
    expect(schema.getSubscriptionType()?.name).toBe('RootSubscription');
    for (const name of [
      'Date',
      'GraphEdge',
      'PriceList',
      'Subscription',
      'Query',
      'Mutation',
      'RulePart',
      'AccessAction',
    ]) {
      expect(read.getType(name)?.toString()).toBe(name);
      expect(Object.keys((schema.getType(name) as { getFields(): object }).getFields() as object)).toContain('id');
    }
    expect(schema.getType('MillraceDate')).toBeDefined();
    expect(schema.getType('MillraceGraphEdge')).toBeDefined();
    expect(Object.keys(schema.getQueryType()!.getFields())).toEqual(
      expect.arrayContaining([
        'setting',
        'settingList',
        'settings',
        'settingsList',
        'person',
        'personList',
        'people',
        'peopleList',
      ]),
    );
  });

  it.each([
    ['model ID: the name ID is already that of a type of GraphQL', model('ID')],
    [
      'the name OrderItemIdNCompoundUniqueInput is already that of model Order',
      model('Order', 'itemId Int', 'n Int', '@@unique([itemId, n])') + model('OrderItem', 'n Int', '@@unique([id, n])'),
    ],
    ['enum Answer: true is no value in GraphQL', `${model('A', 'answer Answer')}enum Answer {\n  true\n  maybe\n}\n`],
    ['the field AND is a word of every filter', model('A', 'AND Int')],
    [
      'model PostsAggregate: the name postsAggregate is already that of model Post',
      model('Post') + model('PostsAggregate'),
    ],
    [
      "the name bsAggregate is that of the field that measures bs; in app/rules.ts write A: { api: { rename: { bsAggregate: 'another' } } }",
      model('A', 'bsAggregate Int', 'bs B[]') + model('B', 'aId Int', 'a A @relation(fields: [aId], references: [id])'),
    ],
    ['model ExplainAccess: the name explainAccess is already that of a query of Millrace', model('ExplainAccess')],
    [
      "model Praça: Praça is no name in GraphQL; in app/rules.ts write Praça: { api: { name: 'Praca' } }",
      model('Praça'),
    ],
    ["model 商品: 商品 is no name in GraphQL; in app/rules.ts write 商品: { api: { name: 'another' } }", model('商品')],
    [
      "preço is no name in GraphQL; in app/rules.ts write A: { api: { rename: { preço: 'preco' } } }",
      model('A', 'preço Int'),
    ],
    [
      'enum Ação: Ação is no name in GraphQL; rename the enum and keep its name in the database by @@map("Ação")',
      `${model('A', 'action Ação')}enum Ação {\n  read\n}\n`,
    ],
    [
      'enum State: são is no value in GraphQL; rename it and keep it by @map("são")',
      `${model('A', 'state State')}enum State {\n  são\n}\n`,
    ],
  ])('that cannot both be are refused with a remedy: %s', (message, content) => {
    expect(() => api(content)).toThrow(message);
    expect(() => api(content)).toThrow(/^names that the API cannot have:/);
  });
});
