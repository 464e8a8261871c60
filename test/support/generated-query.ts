import {
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { team } from './team.ts';

/** Choices that were made beforehand, read one after the other: what is made of them can be made again, and made smaller. */
export class Choices {
  private readonly numbers: readonly number[];
  private at = 0;

  constructor(numbers: readonly number[]) {
    this.numbers = numbers;
  }

  /** A number from 0, below `bound`; always 0 when the choices have run out. */
  below(bound: number): number {
    const number = this.numbers[this.at] ?? 0;
    this.at += 1;
    return number % bound;
  }

  one<T>(of: readonly T[]): T {
    return of[this.below(of.length)]!;
  }

  some<T>(of: readonly T[], most: number): T[] {
    const count = 1 + this.below(most);
    return [...new Set(Array.from({ length: count }, () => this.one(of)))];
  }
}

/** Values that stand in the team's rows, on both sides, and some that stand nowhere. */
const values: Record<string, readonly string[]> = {
  String: [
    'a',
    'e',
    'Dora',
    'Ben',
    'mill',
    'smithy',
    'alloy',
    'anvil',
    'dora@smithy.test',
    'ben@mill.test',
    '%',
    '',
  ].map((text) => JSON.stringify(text)),
  Int: ['0', '1', '3', '5', '9', '-1'],
  Float: ['0', '1.5', '8', '40'],
  Boolean: ['true', 'false'],
  Decimal: ['"0"', '"1234.50"', '"99999.99"', '50000'],
  BigInt: ['"0"', '"9007199254740993"'],
  DateTime: ['"2026-01-04T00:00:00Z"', '"2026-01-10T00:00:00Z"', '"2026-03-01T12:00:00.123Z"'],
  Date: ['"2026-02-01"', '"2026-04-01"'],
  Time: ['"12:30:00"'],
  JSON: ['true', 'null', '"bucket"', '["bucket"]', '{ secret: true }', '1'],
  Bytes: ['""'],
};
const ids = Object.values(team).map((id) => JSON.stringify(id));
const paths = ['["secret"]', '["tools"]', '["tools", "0"]', '["nowhere"]'];

/** Writes a query of the data API, with filters, orders and pages three relations deep, out of these choices. */
export function generateQuery(schema: GraphQLSchema, choices: Choices): string {
  const fields = Object.values(schema.getQueryType()!.getFields()).filter((f) => isObjectType(getNamedType(f.type)));
  const roots = Array.from(
    { length: 1 + choices.below(2) },
    (_, i) => `f${i}: ${fieldText(choices.one(fields), choices, 3)}`,
  );
  return `{ ${roots.join(' ')} }`;
}

function fieldText(field: GraphQLField<unknown, unknown>, choices: Choices, depth: number): string {
  const isBackward = choices.below(4) === 0;
  const texts = field.args.flatMap((arg) => {
    if (arg.name === 'after' || arg.name === 'before' || arg.name === (isBackward ? 'first' : 'last')) return [];
    if (!isNonNullType(arg.type) && choices.below(3) !== 0) return [];
    const text =
      arg.name === 'first' || arg.name === 'last'
        ? String(choices.below(4))
        : inputText(arg.type, arg.name, choices, depth);
    return [`${arg.name}: ${text}`];
  });
  const type = getNamedType(field.type);
  const selection = isObjectType(type) ? ` ${selectionText(type, choices, depth)}` : '';
  return `${field.name}${texts.length > 0 ? `(${texts.join(', ')})` : ''}${selection}`;
}

function selectionText(type: GraphQLObjectType, choices: Choices, depth: number): string {
  const isPage = /(?:Connection|Edge|Aggregate|Group)$/.test(type.name);
  const all = Object.values(type.getFields());
  const open = all.filter((f) => isPage || depth > 0 || !isObjectType(getNamedType(f.type)));
  const below = isPage ? depth : depth - 1;
  return `{ ${choices
    .some(open, isPage ? 3 : 5)
    .map((f) => fieldText(f, choices, below))
    .join(' ')} }`;
}

function inputText(type: GraphQLInputType, name: string, choices: Choices, depth: number, owner = ''): string {
  if (isNonNullType(type)) return inputText(type.ofType, name, choices, depth, owner);
  if (isListType(type)) {
    if (name === 'path') return choices.one(paths);
    const length = 1 + choices.below(2);
    return `[${Array.from({ length }, () => inputText(type.ofType, name, choices, depth, owner)).join(', ')}]`;
  }
  if (name === 'timeZone') return choices.one(['"Europe/Zurich"', '"Asia/Kolkata"', '"Mars/Olympus"']);
  if (/GroupBy/.test(owner) && type.name === 'Boolean') return 'true';
  if (isEnumType(type)) return choices.one(type.getValues()).name;
  if (!isInputObjectType(type)) {
    const isId = type.name === 'String' && (owner === 'UuidFilter' || /^id$|Id$/.test(name));
    return choices.one(isId ? ids : (values[type.name] ?? values.String!));
  }
  const all = Object.values(type.getFields());
  const isLeaf = (named: GraphQLNamedType) =>
    !isInputObjectType(named) || (/^[A-Za-z]+Filter$/.test(named.name) && !/RelationFilter$/.test(named.name));
  const open = depth > 0 ? all : all.filter((f) => isLeaf(getNamedType(f.type)));
  if (open.length === 0) return '{}';
  const isOne = /OrderBy|WhereUnique|GroupBy|GroupOrder/.test(type.name);
  const isWhole = /CompoundUniqueInput$/.test(type.name);
  const fields = isWhole ? all : isOne ? [choices.one(open)] : choices.some(open, 2);
  const given = fields.map((f) => `${f.name}: ${inputText(f.type, f.name, choices, depth - 1, type.name)}`);
  // A filter of a part of a document needs the way there.
  if (type.name === 'JsonFilter' && !fields.some((f) => f.name === 'path')) given.push(`path: ${choices.one(paths)}`);
  return `{ ${given.join(', ')} }`;
}
