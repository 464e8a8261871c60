import type { RootField, Verb } from './model/apply.ts';
import type { WriteSchema } from './model/shape.ts';

/** An operation, as it is sent. */
export interface Operation {
  query: string;
  variables: Record<string, unknown>;
}

const fieldName = (verb: Verb, model: string): string =>
  `${verb.replace('Many', '')}${model}${/Many/.test(verb) ? 's' : ''}`;

/** A mutation in GraphQL: its arguments as variables, or where they stand. */
export function spell(schema: WriteSchema, fields: readonly RootField[], isInline: boolean): Operation {
  const variables: Record<string, unknown> = {};
  const declared: string[] = [];
  const parts = fields.map(({ verb, model, args }, i) => {
    const given = Object.entries(args).map(([name, value]) => {
      if (isInline) return `${name}: ${literal(value)}`;
      variables[`${name}${i}`] = value;
      declared.push(`$${name}${i}: ${typeOf(verb, model, name)}`);
      return `${name}: $${name}${i}`;
    });
    const columns = Object.keys(schema[model]!.columns).join(' ');
    const selection = /Many/.test(verb) ? `count nodes { ${columns} }` : columns;
    return `f${i}: ${fieldName(verb, model)}(${given.join(', ')}) { ${selection} }`;
  });
  const head = declared.length > 0 ? `(${declared.join(', ')})` : '';
  return { query: `mutation${head} { ${parts.join(' ')} }`, variables };
}

function typeOf(verb: Verb, model: string, argument: string): string {
  switch (argument) {
    case 'where':
      return /Many/.test(verb) ? `${model}WhereInput!` : `${model}WhereUniqueInput!`;
    case 'create':
      return `Create${model}Input!`;
    case 'update':
      return `Update${model}Input!`;
    case 'data':
      if (verb === 'create') return `Create${model}Input!`;
      if (verb === 'createMany') return `[Create${model}Input!]!`;
      return verb === 'update' ? `Update${model}Input!` : `UpdateMany${model}Input!`;
    case 'skipDuplicates':
      return 'Boolean';
    default:
      return 'Int';
  }
}

function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).map(([name, part]) => `${name}: ${literal(part)}`);
  return `{ ${fields.join(', ')} }`;
}
