import { createRandom, type Random } from '../../src/cli/seed/random.ts';
import {
  type ColumnField,
  type Datamodel,
  identifyingFields,
  type Model,
  modelNamed,
  type RelationField,
} from '../../src/data/model/datamodel.ts';
import type { PrismaClient } from '../support/prisma-client.ts';
import { toPrisma } from './values.ts';

const texts = ['', 'a', 'A', 'b', 'ab', 'aB c', 'É', 'é', 'ß', '%', 'a%b', 'a_b', 'a\\b', '👍', "x'y", 'null'];

const documents = [
  {},
  [],
  1,
  'x',
  true,
  { a: 1 },
  { a: 2.5, b: null },
  { a: null },
  { a: 'xy' },
  { a: { b: 1 } },
  { a: { b: 'x%y' } },
  { list: [1, 'x', true] },
  { list: [] },
  { a: [1, 'x'] },
  { a: [[1, 'x'], { b: 1 }] },
];

/** Keys of rows that have such ones. */
export const uuids = Array.from({ length: 20 }, (_, n) => `018f0000-0000-7000-8000-${String(n + 1).padStart(12, '0')}`);

/** The values that columns of a type are made of: few, so that rows tie; in the API's spelling. */
export function valuesOf(field: ColumnField): readonly unknown[] {
  if (field.type.kind === 'enum') return field.type.enum.values.map((v) => v.name);
  switch (field.nativeType) {
    case 'Xml':
      return ['<a/>'];
    case 'Bit':
      return ['0101'];
    case 'VarBit':
      return ['1'];
    case 'Inet':
      return ['10.0.0.1'];
    case 'Timetz':
      return ['12:30:00'];
    case 'Uuid':
      return uuids;
    case 'Char':
      return ['aaaaa', 'AAAAA', 'b%b_b'].map((text) => text.slice(0, Number(field.nativeArgs[0] ?? 1)));
    case 'Date':
      return ['2024-02-28', '2024-02-29', '1969-12-31'];
    case 'Time':
      return ['00:00:00', '12:30:00', '23:59:59'];
    case 'Real':
      return [-0.5, 0, 1.5];
  }
  switch (field.type.name) {
    case 'String':
      return texts;
    case 'Boolean':
      return [true, false];
    case 'Int':
      return [-1, 0, 1, 2, 32767];
    case 'BigInt':
      return ['-9223372036854775808', '0', '1', '9223372036854775807'];
    case 'Float':
      return [-0.5, 0, 0.1, 1e10];
    case 'Decimal':
      if (Number(field.nativeArgs[0]) - Number(field.nativeArgs[1]) < 5) return ['-1.5', '0', '0.1', '1.25'];
      return field.nativeArgs[1] === '0' ? ['-1', '0', '1', '99999'] : ['-1.5', '0', '0.1', '99999.25'];
    case 'DateTime':
      return [
        '2024-01-01T00:00:00.000Z',
        '2024-01-01T00:00:00.001Z',
        '1969-12-31T23:59:59.999Z',
        '2024-06-01T12:00:00.500Z',
      ];
    case 'Json':
      return documents;
    case 'Bytes':
      return ['', 'AA==', 'AP8=', '/w=='];
  }
}

/** Prisma does not compare these, or not as the type does. */
const incomparable = new Set(['Xml', 'Bit', 'VarBit', 'Inet', 'Money', 'Oid', 'Timetz', 'Json']);

/** The values to compare a column with; none where there would be two opinions. */
export function comparedValuesOf(field: ColumnField): readonly unknown[] {
  // Prisma's adapter sends a list of bytes in a form that equals no stored one.
  const isBytes = field.type.kind === 'scalar' && field.type.name === 'Bytes';
  return incomparable.has(field.nativeType ?? '') || (field.isList && isBytes) ? [] : valuesOf(field);
}

type Row = Record<string, unknown>;

/** Fills the tables of these models with rows that tie, and in which much is null. The same seed makes the same rows. */
export async function fillTables(
  client: PrismaClient,
  datamodel: Datamodel,
  models: readonly string[],
  { rows: count, seed }: { rows: number; seed: number },
): Promise<void> {
  const random = createRandom(seed);
  const made = new Map<string, Row[]>();
  const serial = { now: 1 };
  const newValue = (field: ColumnField, n: number): unknown => {
    const values = valuesOf(field);
    if (field.nativeType === 'Uuid' && identity.has(field)) return uuids[n % uuids.length];
    if (field.isList) return random.sample([...values], random.int(0, Math.min(3, values.length)));
    if (field.type.kind === 'scalar' && identity.has(field)) {
      serial.now += 1;
      const { name } = field.type;
      if (name === 'Int' || name === 'Float') return serial.now;
      if (name === 'BigInt' || name === 'Decimal') return String(serial.now);
    }
    if (!field.isRequired && random.chance(0.4)) return null;
    return random.pick([...values]);
  };
  const identity = new Set(models.flatMap((name) => identifyingFields(modelNamed(datamodel, name))));

  for (const name of models) {
    const model = modelNamed(datamodel, name);
    const rows: Row[] = [];
    for (let n = 0; n < count; n++) {
      const row: Row = Object.fromEntries(model.columns.map((field) => [field.name, newValue(field, n)]));
      const isWhole = own(model).every((relation) => point(row, relation, made.get(relation.target) ?? [], random));
      if (!isWhole) continue;
      rows.push(row);
    }
    const data = rows.map((row) => {
      const given: Row = {};
      for (const field of model.columns) {
        const value = row[field.name];
        const isJsonNull = field.type.kind === 'scalar' && field.type.name === 'Json' && value === null;
        if (value === undefined || isJsonNull) continue;
        given[field.name] = field.isList ? (value as unknown[]).map((v) => toPrisma(field, v)) : toPrisma(field, value);
      }
      return given;
    });
    // A row whose key is taken is left out.
    made.set(name, (await client.model(name).createManyAndReturn({ data, skipDuplicates: true })) as Row[]);
  }
  for (const name of models) {
    const model = modelNamed(datamodel, name);
    for (const row of made.get(name)!) {
      const data: Row = {};
      for (const relation of model.relations) {
        const others = made.get(relation.target);
        if (!others) continue;
        const target = modelNamed(datamodel, relation.target);
        if (relation.link.kind === 'join' && relation.name < relation.inverse) {
          data[relation.name] = {
            connect: random.sample(others, random.int(0, 4)).map((other) => whereOf(target, other)),
          };
        } else if (relation.link.kind === 'own' && !relation.isRequired && others.length > 0 && random.chance(0.6)) {
          const isKey = relation.link.pairs.some(({ local }) => identity.has(local));
          if (!isKey) data[relation.name] = { connect: whereOf(target, random.pick(others)) };
        }
      }
      if (Object.keys(data).length === 0) continue;
      await client
        .model(name)
        .update({ where: whereOf(model, row), data })
        .catch((error: { code?: string }) => {
          if (error.code !== 'P2002' && error.code !== 'P2014') throw error;
        });
    }
  }
}

const own = (model: Model): RelationField[] => model.relations.filter((r) => r.link.kind === 'own');

/** Points the row at one of the others, or at none where it may; false when it must and there is none. */
function point(row: Row, { link, isRequired }: RelationField, others: Row[], random: Random): boolean {
  if (link.kind !== 'own') return true;
  // To some far more often than to others.
  const other = isRequired ? others[Math.floor(random.fraction() ** 2 * others.length)] : undefined;
  if (isRequired && !other) return false;
  for (const { local, remote } of link.pairs) {
    const value = other ? other[remote.name] : null;
    row[local.name] = value instanceof Date ? value.toISOString() : value;
  }
  return true;
}

const whereOf = (model: Model, row: Row): Row => {
  const fields = identifyingFields(model);
  const values = Object.fromEntries(fields.map((field) => [field.name, row[field.name]]));
  const [key] = model.uniqueKeys;
  return fields.length === 1 ? values : { [key!.name]: values };
};
