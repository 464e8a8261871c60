import {
  type GraphQLArgument,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  type GraphQLObjectType,
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isRequiredInputField,
} from 'graphql';

const nilUuid = '00000000-0000-0000-0000-000000000000';
const someTime = '2020-01-01T00:00:00.000Z';
const maxDepth = 5;

/** A value for a variable that the type accepts, shaped for a person to change: keys of nobody, required inputs only. */
export function placeholder(type: GraphQLInputType, name = '', depth = 0): unknown {
  const nullable = getNullableType(type);
  if (isListType(nullable)) return [];
  if (isEnumType(nullable)) return nullable.getValues()[0]?.name;
  if (isInputObjectType(nullable)) return objectPlaceholder(nullable, depth);
  return scalarPlaceholder(nullable, name);
}

function objectPlaceholder(type: GraphQLInputObjectType, depth: number): Record<string, unknown> {
  if (depth > maxDepth) return {};
  const fields = Object.values(type.getFields());
  const required = fields.filter(isRequiredInputField);
  // Where nothing is required (a unique key, a relation), one way in is still wanted.
  const chosen =
    required.length > 0
      ? required
      : [
          fields.find((field) => field.name === 'id') ??
            fields.find((field) => field.name === 'connect') ??
            fields.find((field) => isLeafType(getNullableType(field.type))) ??
            fields.find(
              (field) => isInputObjectType(getNullableType(field.type)) && !/^(AND|OR|NOT)$/.test(field.name),
            ),
        ].filter((field) => field !== undefined);
  return Object.fromEntries(chosen.map((field) => [field.name, placeholder(field.type, field.name, depth + 1)]));
}

function scalarPlaceholder(scalar: GraphQLInputType, name: string): unknown {
  const candidates: unknown[] = /id$/i.test(name) || /^(id|uuid)$/i.test(String(scalar)) ? [nilUuid, '1', 1] : [];
  if (/mail/i.test(name)) candidates.push('someone@example.com');
  if (/url|link|website/i.test(name)) candidates.push('https://example.com');
  if (/date|time/i.test(String(scalar))) candidates.push(someTime, '2020-01-01', '12:00:00');
  if (/^(json|jsonobject)$/i.test(String(scalar))) candidates.push({});
  if (/^(bigint|decimal|long)$/i.test(String(scalar))) candidates.push('1');
  candidates.push(
    /slug|code|key/i.test(name) ? 'example' : 'Example',
    1,
    false,
    '1',
    nilUuid,
    someTime,
    '2020-01-01',
    'AA==',
    {},
  );
  return candidates.find((candidate) => {
    try {
      return isLeafType(scalar) && scalar.parseValue(candidate) !== undefined;
    } catch {
      return false;
    }
  });
}

/** Filters as GraphQL literals, the most telling first; the caller takes the first that the schema finds valid. */
export function filterLiterals(where: GraphQLArgument | undefined, type: GraphQLObjectType): string[] {
  const input = where && getNamedType(where.type);
  if (!isInputObjectType(input)) return [];
  const ranked: { rank: number; literal: string }[] = [];
  for (const field of Object.values(input.getFields())) {
    if (!(field.name in type.getFields()) || /id$/i.test(field.name)) continue;
    const condition = conditionLiteral(getNullableType(field.type));
    if (condition) ranked.push({ rank: condition.rank, literal: `{ ${field.name}: ${condition.literal} }` });
  }
  return ranked.sort((a, b) => a.rank - b.rank).map(({ literal }) => literal);
}

function conditionLiteral(type: GraphQLInputType): { rank: number; literal: string } | undefined {
  if (!isInputObjectType(type)) return undefined;
  const operators = type.getFields();
  const subject = operators.equals && getNamedType(operators.equals.type);
  if (isEnumType(subject) && operators.in) {
    const names = subject.getValues().map((value) => value.name);
    return { rank: 0, literal: `{ in: [${names.slice(0, Math.max(1, names.length - 1)).join(', ')}] }` };
  }
  if (subject?.name === 'Boolean') return { rank: 1, literal: '{ equals: false }' };
  if (subject?.name === 'String' && operators.contains) {
    const mode = operators.mode && getNamedType(operators.mode.type);
    const insensitive = isEnumType(mode) && mode.getValue('insensitive') ? ', mode: insensitive' : '';
    return { rank: 2, literal: `{ contains: "a"${insensitive} }` };
  }
  if (/^(Int|Float)$/.test(subject?.name ?? '') && operators.gte) return { rank: 3, literal: '{ gte: 0 }' };
  if (/^DateTime$/i.test(subject?.name ?? '') && operators.gte) return { rank: 4, literal: `{ gte: "${someTime}" }` };
  return undefined;
}

/** Orders as GraphQL literals: the newest first where rows know their time, by name otherwise. */
export function orderLiterals(orderBy: GraphQLArgument | undefined): string[] {
  const input = orderBy && getNamedType(orderBy.type);
  if (!isInputObjectType(input)) return [];
  const wanted = [
    { pattern: /^(created|inserted|published|joined|sent)_?(at|on)$/i, direction: 'desc' },
    { pattern: /(At|On|_at|_on|Date|Time)$/, direction: 'desc' },
    { pattern: /^(title|name|label)$/i, direction: 'asc' },
    { pattern: /./, direction: 'asc' },
  ];
  const fields = Object.values(input.getFields());
  return wanted.flatMap(({ pattern, direction }) =>
    fields
      .filter((field) => pattern.test(field.name))
      .flatMap((field) => {
        const literal = directionLiteral(getNullableType(field.type), direction);
        return literal ? [`{ ${field.name}: ${literal} }`] : [];
      }),
  );
}

function directionLiteral(type: GraphQLInputType, direction: string): string | undefined {
  if (isEnumType(type)) return type.getValues().find((value) => value.name.toLowerCase() === direction)?.name;
  if (!isInputObjectType(type)) return undefined;
  const sort = type.getFields().sort;
  const literal = sort && directionLiteral(getNullableType(sort.type), direction);
  return literal ? `{ sort: ${literal} }` : undefined;
}
