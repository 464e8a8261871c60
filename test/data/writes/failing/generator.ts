import type { ColumnField, Model, RelationField } from '../../../../src/data/model/datamodel.ts';
import type { Random } from '../../../faults/random.ts';
import { ada, alone, bases, datamodel, edges, type Named, nowhere, taken } from './world.ts';

type Data = Record<string, unknown>;

/** A write that must fail, and how. */
export interface FailingWrite {
  /** What is wrong with it. */
  what: string;
  query: string;
  variables: Data;
  code: string;
  /** The inputs that its error names; undefined where nobody can know them. */
  paths: string[] | undefined;
  /** How many rows stand around the one that is at fault. */
  depth: number;
}

/** A row of a write that makes the whole fail. */
interface Fault {
  what: string;
  code: string;
  /** Fields of the row that the error names, or its whole place (''); undefined where nobody can know them. */
  fields?: string[];
  /** A new row, or one that is there. */
  row: { model: Model; data: Data; there?: Named };
}

const modelNamed = (name: string): Model => datamodel.models.get(name)!;
const there: readonly Named[] = [
  ...new Map(
    [...alone, ...edges.flatMap(([from, , to]) => [from, to])].map((named) => [JSON.stringify(named), named]),
  ).values(),
];
const thereOf = (model: string): Named[] => there.filter(([name]) => name === model);
let made = 1300;
const base = (model: string): Data => {
  made += 1;
  return bases[model]!(made);
};

/** Values that no column of this kind takes, and whether the error can say which column it was. */
function badValues({ type, nativeType, nativeArgs }: ColumnField): [value: unknown, isKnown: boolean][] {
  const known = (...values: unknown[]): [unknown, boolean][] => values.map((value) => [value, true]);
  if (type.kind === 'enum') return known('NONE_OF_THEM', 5);
  const most = Number(nativeArgs[0] ?? (nativeType === 'Char' ? 1 : 0));
  switch (type.name) {
    case 'String':
      if (nativeType === 'Inet') return [['300.1.1.1', false], ...known('nul\0')];
      if (nativeType === 'Xml') return [['<a>', false], ...known('\udc00')];
      if (nativeType === 'Uuid') return known('no uuid', 'nul\0', 7);
      if (nativeType?.endsWith('Bit')) return known('012', ...(most ? ['1'.repeat(most + 1)] : []));
      return known('nul\0', 'half \ud83c', ...(most ? ['x'.repeat(most + 1), '🌊'.repeat(most + 1)] : [true, 5]));
    case 'Int':
      return known(
        2_147_483_648,
        -2_147_483_649,
        1.5,
        'x',
        ...(nativeType === 'SmallInt' ? [32_768, -32_769] : []),
        ...(nativeType === 'Oid' ? [-1] : []),
      );
    case 'BigInt':
      return known('9223372036854775808', '-9223372036854775809', '1.5', {});
    case 'Float':
      return known('x', [1, 2], ...(nativeType === 'Real' ? [1e39] : []));
    case 'Decimal':
      return known('1e40', 'NaN', '1,5');
    case 'Boolean':
      return known('yes', 0);
    case 'DateTime':
      if (nativeType === 'Date') return known('2026-02-30', 'today', '26-01-01');
      return nativeType?.startsWith('Timetz') || nativeType === 'Time'
        ? known('25:00:00', 'noon')
        : known('2026-02-30T00:00:00Z', 'yesterday', '0000-01-01T00:00:00Z');
    case 'Json':
      return known({ a: ['nul\0'] }, { '\ud800': 1 });
    case 'Bytes':
      return known('*', 'ab=c');
  }
}

/** Every column of every model with values that it does not take. */
function* valueFaults(random: Random): Generator<Fault> {
  for (const name of Object.keys(bases)) {
    const model = modelNamed(name);
    for (const column of model.columns) {
      for (const [value, isKnown] of random.sample(badValues(column), 2)) {
        const isNew = thereOf(name).length === 0 || random.chance(0.5);
        const good = column.isList && random.chance(0.5) ? goodItems(column) : [];
        yield {
          what: `${name}.${column.name} = ${JSON.stringify(value).slice(0, 40)}`,
          code: 'INVALID_INPUT',
          fields: isKnown ? [column.isList ? `${column.name}.${good.length}` : column.name] : undefined,
          row: {
            model,
            data: { ...(isNew && base(name)), [column.name]: column.isList ? [...good, value] : value },
            there: isNew ? undefined : random.pick(thereOf(name)),
          },
        };
      }
      if (column.isRequired && !column.isList && thereOf(name).length > 0)
        yield {
          what: `${name}.${column.name} = null`,
          code: 'INVALID_INPUT',
          fields: [column.name],
          row: { model, data: { [column.name]: null }, there: random.pick(thereOf(name)) },
        };
    }
    for (const required of Object.keys(base(name))) {
      const column = model.columns.find((c) => c.name === required)!;
      if (!column.isRequired || column.default) continue;
      const { [required]: _, ...data } = base(name);
      const code = 'INVALID_INPUT';
      yield { what: `${name} without ${required}`, code, fields: [required], row: { model, data } };
    }
  }
}

/** An item that a list takes, of the types that have an easy one. */
function goodItems({ type, nativeType }: ColumnField): unknown[] {
  if (type.kind === 'enum') return ['SAD'];
  if (type.name !== 'String') return [];
  const unusual: Data = { Uuid: nowhere.users!.id, Inet: '::1', Xml: '<a/>', VarBit: '1' };
  return [unusual[nativeType ?? ''] ?? 'a'];
}

function* keyFaults(): Generator<Fault> {
  for (const [name, values] of taken) {
    const model = modelNamed(name);
    const fields = Object.keys(values);
    const what = `${name}: ${JSON.stringify(values)} is taken`;
    yield { what, code: 'CONFLICT', fields, row: { model, data: { ...base(name), ...values } } };
    // Of a key of several columns, what is set is named, and so is the rest of it.
    for (const named of thereOf(name))
      yield { what, code: 'CONFLICT', fields, row: { model, data: values, there: named } };
  }
  for (const name of Object.keys(bases)) {
    const model = modelNamed(name);
    for (const relation of model.relations) {
      const target = nowhere[relation.target];
      if (!target) continue;
      const connect = { connect: relation.isList ? [target] : target };
      const fields = [`${relation.name}.connect${relation.isList ? '.0' : ''}`];
      const what = `${name}.${relation.name} leads nowhere`;
      yield {
        what,
        code: 'NOT_FOUND',
        fields,
        row: { model, data: { ...withoutKey(base(name), relation), [relation.name]: connect } },
      };
      for (const named of thereOf(name).slice(0, 1))
        yield { what, code: 'NOT_FOUND', fields, row: { model, data: { [relation.name]: connect }, there: named } };
      if (relation.link.kind !== 'own' || relation.link.pairs.length > 1) continue;
      const { local } = relation.link.pairs[0]!;
      const [value] = Object.values(target);
      const row = { model, data: { ...base(name), [local.name]: value } };
      yield { what: `${name}.${local.name} names no row`, code: 'NOT_FOUND', fields: [local.name], row };
    }
  }
  for (const [from, relation, [to]] of edges) {
    const field = modelNamed(from[0]).fields.get(relation) as RelationField;
    if (!field.isList) continue;
    for (const [operation, item] of [
      ['update', { where: nowhere[to], data: {} }],
      ['delete', nowhere[to]],
      ['disconnect', nowhere[to]],
    ] as const) {
      if (operation === 'disconnect' && isHeldFast(field)) continue;
      const path = `${relation}.${operation}.0${operation === 'update' ? '.where' : ''}`;
      const row = { model: modelNamed(from[0]), data: { [relation]: { [operation]: [item] } }, there: from };
      yield { what: `${from[0]}.${relation} ${operation} of no row`, code: 'NOT_FOUND', fields: [path], row };
    }
  }
}

/** Whether the rows at the other end cannot be without the one at this end. */
const isHeldFast = ({ link }: RelationField): boolean =>
  link.kind === 'foreign' && link.pairs.every(({ remote }) => remote.isRequired);

/** Everything that the owner's database says no to by itself. */
function* guardedFaults(): Generator<Fault> {
  const fault = (what: string, code: string, name: string, data: Data, where?: Data, fields?: string[]): Fault => ({
    ...{ what, code, fields },
    row: { model: modelNamed(name), data: where ? data : { ...base(name), ...data }, there: where && [name, where] },
  });
  for (const [state, code] of Object.entries({
    P0001: 'INVALID_INPUT',
    P0002: 'INVALID_INPUT',
    P0004: 'INVALID_INPUT',
    ZZ001: 'INVALID_INPUT',
    U0001: 'INVALID_INPUT',
    '45000': 'INVALID_INPUT',
    '22000': 'INVALID_INPUT',
    '22023': 'INVALID_INPUT',
    '23000': 'INVALID_INPUT',
    '23502': 'INVALID_INPUT',
    '23514': 'INVALID_INPUT',
    '23505': 'CONFLICT',
    '23503': 'CONFLICT',
    '23P01': 'CONFLICT',
    '54000': 'INVALID_INPUT',
  })) {
    const type = { type: `raise ${state}` };
    yield fault(`a trigger raises ${state}`, code, 'users', type);
    yield fault(`a trigger raises ${state}`, code, 'users', type, ada[1]);
  }
  for (const type of ['assert', 'divide', 'cast']) {
    yield fault(`a trigger fails: ${type}`, 'INVALID_INPUT', 'users', { type, first: 1 });
    yield fault(`a trigger fails: ${type}`, 'INVALID_INPUT', 'users', { type, first: 1 }, ada[1]);
  }
  yield fault('a trigger leaves the row out', 'INVALID_INPUT', 'users', { type: 'vanish' });
  yield fault('a trigger leaves the change out', 'FORBIDDEN', 'users', { type: 'vanish' }, ada[1]);
  for (const title of ['late', 'later'])
    for (const where of [undefined, { id: 1 }])
      yield fault(
        'a trigger raises at the commit',
        title === 'late' ? 'INVALID_INPUT' : 'CONFLICT',
        'News',
        { title },
        where,
      );
  yield fault('a check', 'INVALID_INPUT', 'Specimen', { integer: 13 });
  yield fault('a check', 'INVALID_INPUT', 'Specimen', { integer: 13 }, { id: 1 });
  yield fault('a check', 'INVALID_INPUT', 'Vault', { amount: -1 });
  yield fault('a check', 'INVALID_INPUT', 'Vault', { amount: -1 }, { id: 1 });
  yield fault('a check, by reckoning', 'INVALID_INPUT', 'Vault', { _decrement: { amount: 2_000_000_001 } }, { id: 1 });
  yield fault('ranges that overlap', 'CONFLICT', 'Vault', { begin: 5, finish: 6 });
  yield fault('ranges that overlap', 'CONFLICT', 'Vault', { begin: 5, finish: 6 }, { id: 2 });
  yield fault('a range that ends before it begins', 'INVALID_INPUT', 'Vault', { begin: 9, finish: 8 });
  yield fault('a computed column', 'INVALID_INPUT', 'Vault', { remainder: 4 });
  yield fault('a computed column', 'INVALID_INPUT', 'Vault', { remainder: 4 }, { id: 1 });
  yield fault('a key too long for its index', 'INVALID_INPUT', 'City', { name: incompressible });
  const specimen: [string, Data][] = [
    ['_increment', { integer: 2_147_483_647 }],
    ['_decrement', { smallint: -32_767, integer: 5 }],
    ['_divide', { double: 1e-320, integer: 2 }],
    ['_increment', { bigint: '9223372036854775807' }],
  ];
  const grown = { integer: 2, smallint: -2, bigint: '2', double: 1e300, real: 1e38, decimal: '999999999' };
  for (const [operation, by] of specimen)
    for (const other of [{}, { text: 'other' }])
      yield fault(
        `${operation} beyond what a number holds`,
        'INVALID_INPUT',
        'Specimen',
        { [operation]: by, ...other },
        { id: 1 },
      );
  yield fault('a product of too many digits', 'INVALID_INPUT', 'users', { _multiply: { score: '90000000' } }, ada[1]);
  yield fault('a sum too great', 'INVALID_INPUT', 'Vault', { _increment: { amount: 2_000_000_000 } }, { id: 1 });
  for (const field of Object.keys(grown))
    yield fault('division by zero', 'INVALID_INPUT', 'Specimen', { _divide: { [field]: 0 } }, { id: 1 }, [
      `_divide.${field}`,
    ]);
  yield fault(
    'a number beyond what it is added to',
    'INVALID_INPUT',
    'Specimen',
    { _increment: { smallint: 40_000 } },
    { id: 1 },
    ['_increment.smallint'],
  );
  yield fault(
    'a text in the place of a number',
    'INVALID_INPUT',
    'Specimen',
    { _increment: { integer: 'x' } },
    { id: 1 },
    ['_increment.integer'],
  );
  yield fault(
    'one column set in two ways',
    'INVALID_INPUT',
    'Specimen',
    { integer: 1, _increment: { integer: 1 } },
    { id: 1 },
    ['integer'],
  );
  yield fault(
    'a number that cannot be reckoned with',
    'INVALID_INPUT',
    'Specimen',
    { _increment: { oid: 1 } },
    { id: 1 },
    ['_increment.oid'],
  );
  yield fault('an unknown field', 'INVALID_INPUT', 'Vault', { colour: 'red' }, undefined, ['colour']);
  yield fault('rows that others hold on to', 'CONFLICT', 'Vault', { boxes: { delete: [{ id: 1 }] } }, { id: 1 });
  yield fault('rows that others hold on to', 'CONFLICT', 'Vault', { boxes: { deleteMany: [{}] } }, { id: 1 });
  yield fault('a row that others hold on to', 'CONFLICT', 'Coin', { box: { delete: true } }, { id: 1 });
  yield fault('rows that cannot be without', 'INVALID_INPUT', 'Vault', { boxes: { set: [] } }, { id: 1 }, [
    'boxes.set',
  ]);
  yield fault(
    'two new rows of one key',
    'CONFLICT',
    'Vault',
    {
      boxes: {
        create: [
          { id: 70, label: 'x' },
          { id: 70, label: 'y' },
        ],
      },
    },
    { id: 1 },
    ['boxes.create.1.id'],
  );
  yield fault(
    'two new rows of one name',
    'CONFLICT',
    'Vault',
    {
      boxes: {
        createMany: {
          data: [
            { id: 70, label: 'x' },
            { id: 71, label: 'x' },
          ],
        },
      },
    },
    { id: 1 },
    ['boxes.createMany.data.1.vaultId', 'boxes.createMany.data.1.label'],
  );
  const one = { id: 70, label: 'x' };
  const boxes = (second: Data) => ({ boxes: { create: [one, second] } });
  yield fault('the second has a key that is taken', 'CONFLICT', 'Vault', boxes({ id: 2, label: 'y' }), { id: 1 }, [
    'boxes.create.1.id',
  ]);
  yield fault(
    'a second row that is too much',
    'INVALID_INPUT',
    'users',
    {
      staff: {
        create: [
          { full_name: 'a', type: 'b' },
          { full_name: 'c', type: 'vanish' },
        ],
      },
    },
    ada[1],
    ['staff.create'],
  );
  yield fault(
    'a second row that is refused',
    'INVALID_INPUT',
    'users',
    {
      staff: {
        create: [
          { full_name: 'a', type: 'b' },
          { full_name: 'c', type: 'raise P0001' },
        ],
      },
    },
    ada[1],
    ['staff.create'],
  );
  yield fault(
    'the key of the row around',
    'INVALID_INPUT',
    'Vault',
    { boxes: { create: [{ id: 70, label: 'x', vaultId: 2 }] } },
    { id: 1 },
    ['boxes.create.0.vaultId'],
  );
}

const incompressible = Array.from({ length: 4000 }, (_, i) =>
  String.fromCodePoint(0x4e00 + ((i * 7919 + i * i * 31) % 20_000)),
).join('');

/** Deletes that must not be. */
const deletes: readonly [model: string, many: string, where: Data, filter: Data][] = [
  ['Vault', 'vaults', { id: 1 }, { id: { equals: 1 } }],
  ['Box', 'boxes', { id: 1 }, {}],
  ['Region', 'regions', { place: { countryCode: 'NO', number: 1 } }, {}],
  ['Node', 'nodes', { id: 1 }, {}],
];

/** All that must fail, each at a depth that chance decides. */
export function failingWrites(random: Random): FailingWrite[] {
  const faults = [...valueFaults(random), ...keyFaults(), ...guardedFaults()];
  const writes = faults.map((fault) => asWrite(fault, random));
  for (const [model, many, where, filter] of deletes) {
    const single = `mutation ($where: ${model}WhereUniqueInput!) { delete${model}(where: $where) { __typename } }`;
    const several = `mutation ($where: ${model}WhereInput!) { delete${upper(many)}(where: $where) { count } }`;
    const common = { what: `${model}: others hold on to it`, code: 'CONFLICT', paths: undefined, depth: 0 };
    writes.push(
      { ...common, query: single, variables: { where } },
      { ...common, query: several, variables: { where: filter } },
    );
  }
  return writes;
}

const upper = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

/** Puts the row at fault into rows around it, and all of it into a field of the mutation. */
function asWrite({ what, code, fields, row }: Fault, random: Random): FailingWrite {
  let [around, path] = [row, ''];
  const most = random.pick([0, 0, 1, 1, 2, 3]);
  let depth = 0;
  for (; depth < most; depth += 1) {
    const wrapped = around.there ? aroundChanged(around, random) : aroundNew(around, random);
    if (!wrapped) break;
    [around, path] = [wrapped.row, path ? `${wrapped.path}.${path}` : wrapped.path];
  }
  const root = asRoot(around, random);
  const place = [root.path, path].filter(Boolean).join('.');
  const paths = fields?.map((field) => [place, field].filter(Boolean).join('.'));
  return { what: `${what} (${place})`, code, paths, depth, query: root.query, variables: root.variables };
}

function asRoot(
  { model: { name }, data, there }: Fault['row'],
  random: Random,
): { query: string; variables: Data; path: string } {
  const one = upper(name);
  const type = (action: string) => `${action}${name}Input!`;
  const form = random.below(3);
  const hasRelations = Object.keys(data).some((key) => modelNamed(name).fields.get(key)?.kind === 'relation');
  if (there) {
    const [, where] = there;
    if (form === 0) {
      const query = `mutation ($where: ${name}WhereUniqueInput!, $create: ${type('Create')}, $update: ${type('Update')}) { upsert${one}(where: $where, create: $create, update: $update) { __typename } }`;
      return { query, variables: { where, create: base(name), update: data }, path: 'update' };
    }
    const query = `mutation ($where: ${name}WhereUniqueInput!, $data: ${type('Update')}) { update${one}(where: $where, data: $data) { __typename } }`;
    return { query, variables: { where, data }, path: 'data' };
  }
  if (form === 0 && nowhere[name]) {
    const query = `mutation ($where: ${name}WhereUniqueInput!, $create: ${type('Create')}, $update: ${type('Update')}) { upsert${one}(where: $where, create: $create, update: $update) { __typename } }`;
    return { query, variables: { where: nowhere[name], create: data, update: {} }, path: 'create' };
  }
  if (form === 1 && !hasRelations && many[name]) {
    const query = `mutation ($data: [${type('Create')}]!) { create${upper(many[name])}(data: $data) { count } }`;
    return { query, variables: { data: [data] }, path: 'data.0' };
  }
  const query = `mutation ($data: ${type('Create')}) { create${one}(data: $data) { __typename } }`;
  return { query, variables: { data }, path: 'data' };
}

const many: Record<string, string> = {
  Country: 'countries',
  City: 'cities',
  Vault: 'vaults',
  Box: 'boxes',
  Coin: 'coins',
  Region: 'regions',
};

const withoutKey = (data: Data, { link }: RelationField): Data => {
  const keys = link.kind === 'own' ? link.pairs.map(({ local }) => local.name) : [];
  return Object.fromEntries(Object.entries(data).filter(([key]) => !keys.includes(key)));
};

interface Wrapped {
  row: Fault['row'];
  path: string;
}

/** A row around a new one, that is new too or there already. */
function aroundNew({ model, data }: Fault['row'], random: Random): Wrapped | undefined {
  const set = new Set(Object.keys(data));
  const fitting = edges.filter(([[from], relation, [to]]) => {
    if (to !== model.name) return false;
    const field = modelNamed(from).fields.get(relation) as RelationField;
    const keys = field.link.kind === 'foreign' ? field.link.pairs.map(({ remote }) => remote.name) : [];
    const back = model.fields.get(field.inverse);
    // What the fault itself is about must not be set by the row around it.
    return !set.has(back!.name) && !keys.some((key) => isPartOfFault(model, data, key));
  });
  if (fitting.length === 0) return undefined;
  const [from, relation] = random.pick(fitting);
  const parent = modelNamed(from[0]);
  const field = parent.fields.get(relation) as RelationField;
  const keys = field.link.kind === 'foreign' ? field.link.pairs.map(({ remote }) => remote.name) : [];
  const inner = Object.fromEntries(Object.entries(data).filter(([key]) => !keys.includes(key)));
  const target = nowhere[model.name];
  const isNew = (!field.isList && field.link.kind === 'foreign') || random.chance(0.5);
  const forms: [input: unknown, path: string][] = field.isList
    ? [
        [{ create: [inner] }, 'create.0'],
        ...(target
          ? [[{ connectOrCreate: [{ where: target, create: inner }] }, 'connectOrCreate.0.create'] as [unknown, string]]
          : []),
        ...(target && !isNew
          ? [[{ upsert: [{ where: target, create: inner, update: {} }] }, 'upsert.0.create'] as [unknown, string]]
          : []),
      ]
    : [
        [{ create: inner }, 'create'],
        ...(target
          ? [[{ connectOrCreate: { where: target, create: inner } }, 'connectOrCreate.create'] as [unknown, string]]
          : []),
      ];
  const [input, path] = random.pick(forms);
  const outer = isNew ? withoutKey(base(from[0]), field) : {};
  return {
    row: { model: parent, data: { ...outer, [relation]: input }, there: isNew ? undefined : from },
    path: `${relation}.${path}`,
  };
}

/** Whether the row would be without fault if this key were set by the row around it. */
const isPartOfFault = (model: Model, data: Data, key: string): boolean => {
  const usual = bases[model.name]!(0)[key];
  return (
    !(key in data) ||
    JSON.stringify(data[key]) !== JSON.stringify(usual) ||
    Object.entries(data).some(([k, v]) =>
      taken.some(([name, values]) => name === model.name && key in values && values[k] === v),
    )
  );
};

/** A row around one that is there and related to it. */
function aroundChanged({ model, data, there }: Fault['row'], random: Random): Wrapped | undefined {
  const fitting = edges.filter(([[from], relation, to]) => {
    if (JSON.stringify(to) !== JSON.stringify(there)) return false;
    const field = modelNamed(from).fields.get(relation) as RelationField;
    return (
      !(field.inverse in data) &&
      !(field.link.kind === 'foreign' && field.link.pairs.some(({ remote }) => remote.name in data))
    );
  });
  if (fitting.length === 0) return undefined;
  const [from, relation] = random.pick(fitting);
  const parent = modelNamed(from[0]);
  const field = parent.fields.get(relation) as RelationField;
  const [, where] = there!;
  const forms: [input: unknown, path: string][] = field.isList
    ? [
        [{ update: [{ where, data }] }, 'update.0.data'],
        [{ upsert: [{ where, create: withoutAround(field, base(model.name)), update: data }] }, 'upsert.0.update'],
      ]
    : [
        [{ update: data }, 'update'],
        [{ upsert: { create: withoutAround(field, base(model.name)), update: data } }, 'upsert.update'],
      ];
  const [input, path] = random.pick(forms);
  return { row: { model: parent, data: { [relation]: input }, there: from }, path: `${relation}.${path}` };
}

const withoutAround = ({ link }: RelationField, data: Data): Data => {
  const keys = link.kind === 'foreign' ? link.pairs.map(({ remote }) => remote.name) : [];
  return Object.fromEntries(Object.entries(data).filter(([key]) => !keys.includes(key)));
};
