import {
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNullableType,
  isInputObjectType,
  isNonNullType,
  isRequiredArgument,
  parse,
  print,
  validate,
} from 'graphql';
import { type ExampleModel, findModels, nodeType, tellingFields } from './example-models.ts';
import { filterLiterals, orderLiterals, placeholder } from './example-values.ts';

/** One document to open GraphiQL with. */
export interface ExampleQuery {
  /** What it shows, for a menu. */
  title: string;
  query: string;
  variables?: Record<string, unknown>;
}

type Field = GraphQLField<unknown, unknown>;

/**
 * Writes documents that show what this very schema can do, on its richest model: pages with relations, a filtered and ordered
 * page, one row by its key, a mutation, a live query, a subscription. All are valid against the schema; a schema without models gets one that asks for its name.
 */
export function exampleQueries(schema: GraphQLSchema, options: { viewAs?: boolean } = {}): ExampleQuery[] {
  const models = findModels(schema);
  const model = models.reduce<ExampleModel | undefined>((best, each) => {
    return best && relationCount(best) >= relationCount(each) ? best : each;
  }, undefined);
  const candidates = model
    ? [
        nested(model, models, options.viewAs ?? false),
        filtered(model),
        single(model),
        creation(model, models),
        live(schema, model),
        changes(model),
      ]
    : [];
  const valid = candidates
    .map((versions) => versions.find((version) => isValid(schema, version)))
    .filter((example) => example !== undefined);
  return valid.length > 0 ? valid : [{ title: 'Hello', query: 'query Hello {\n  __typename\n}\n' }];
}

const pageInfo = 'pageInfo { hasNextPage endCursor }';

// Each of these gives versions, the best first: the first one that is valid is taken.

function nested(model: ExampleModel, models: ExampleModel[], viewAs: boolean): ExampleQuery[] {
  const many = model.many.name;
  const toOne = pickToOne(model, 2);
  const toMany = pickToMany(model, models);
  const parts = [...toOne, ...(toMany ? [toMany] : [])].map((field) => words(field.name));
  const withParts = parts.length > 0 ? `, each with its ${listing(parts)}` : '';
  const hint = viewAs
    ? '\n“View as”, top right, says who is asking.'
    : '\nWho is asking? Put an Authorization into the headers below.';
  const selection = [
    ...tellingFields(model.type, 4).map((field) => field.name),
    ...toOne.map((field) => `${field.name} { ${leaves(typeOf(field), 2)} }`),
    ...(toMany ? [connection(toMany, 3, inner(toMany, model, models))] : []),
  ];
  return [
    {
      title: toMany ? `${sentence(many)} with their ${words(toMany.name)}` : sentence(many),
      query: document(
        `The first 10 ${words(many)}${withParts}, in one request.${hint}`,
        `query ${pascal(many)}${toMany ? `With${pascal(toMany.name)}` : ''} {
          ${connection(model.many, 10, selection.join(' '), { after: pageInfo })}
        }`,
      ),
    },
  ];
}

function filtered(model: ExampleModel): ExampleQuery[] {
  const many = model.many.name;
  const argument = (name: string) => model.many.args.find((each) => each.name === name);
  const wheres = [...filterLiterals(argument('where'), model.type), undefined];
  const orders = [...orderLiterals(argument('orderBy')), undefined].slice(0, 4);
  const versions = wheres.flatMap((where) => orders.map((order) => ({ where, order })));
  return versions.map(({ where, order }) => ({
    title: `A filtered page of ${words(many)}`,
    query: document(
      `A filtered and ordered page of ${words(many)}, and how many there are in all.\nFor the next page, add after: with the endCursor of this one.`,
      `query Filtered${pascal(many)} {
        ${connection(model.many, 20, leaves(model.type, 5), { before: 'totalCount', after: pageInfo }, { where, orderBy: order })}
      }`,
    ),
  }));
}

function single(model: ExampleModel): ExampleQuery[] {
  const key = model.one?.args.find(isRequiredArgument);
  if (!model.one || !key) return [];
  const toOne = pickToOne(model, 1).map((field) => `${field.name} { ${leaves(typeOf(field), 2)} }`);
  return [
    {
      title: `One ${words(model.type.name)} by its key`,
      query: document(
        `One ${words(model.type.name)} by its key. Put the key of a real one into the variables below; the first example lists some.`,
        `query One${model.type.name}($${key.name}: ${key.type}) {
          ${model.one.name}(${key.name}: $${key.name}) { ${leaves(model.type, 6)} ${toOne.join(' ')} }
        }`,
      ),
      variables: { [key.name]: placeholder(key.type, key.name) },
    },
  ];
}

/** Of the richest model; or of another one where that is not to be made. */
function creation(richest: ExampleModel, models: ExampleModel[]): ExampleQuery[] {
  return [richest, ...models].flatMap((model) => {
    const { create, type } = model;
    const data = create?.args.find(isRequiredArgument);
    if (!create || !data) return [];
    return {
      title: `A new ${words(type.name)}`,
      query: document(
        `Writes one ${words(type.name)}. The variables below are a template: fill them in, then run.\nCtrl-Space shows what else there is.`,
        `mutation ${pascal(create.name)}($${data.name}: ${data.type}) {
          ${create.name}(${data.name}: $${data.name}) { ${leaves(type, 5)} }
        }`,
      ),
      variables: { [data.name]: creationTemplate(data.type, model) },
    };
  });
}

const elsewhere = 'Leave it running, and write something in another window.';

function live(schema: GraphQLSchema, model: ExampleModel): ExampleQuery[] {
  if (!schema.getDirective('live')) return [];
  const many = model.many.name;
  const orderBy = model.many.args.find((each) => each.name === 'orderBy');
  const related = pickToOne(model, 1).map((field) => `${field.name} { ${leaves(typeOf(field), 2)} }`);
  return [...orderLiterals(orderBy).slice(0, 4), undefined].map((order) => ({
    title: `A live page of ${words(many)}`,
    query: document(
      `@live: the answer is sent again whenever it changes. ${elsewhere}`,
      `query Live${pascal(many)} @live {
        ${connection(model.many, 10, `${leaves(model.type, 4)} ${related.join(' ')}`, { before: 'totalCount' }, { orderBy: order })}
      }`,
    ),
  }));
}

function changes(model: ExampleModel): ExampleQuery[] {
  if (!model.changes) return [];
  const shown = leaves(model.type, 4);
  const related = pickToOne(model, 1).map((field) => `${field.name} { ${leaves(typeOf(field), 2)} }`);
  return [
    {
      title: `What happens to ${words(model.many.name)}`,
      query: document(
        `Every change of a ${words(model.type.name)}, as it happens. ${elsewhere}`,
        `subscription ${pascal(model.changes.name)} {
          ${model.changes.name} { type reason changedFields node { ${shown} ${related.join(' ')} } previous { ${shown} } cursor }
        }`,
      ),
    },
  ];
}

/** The required inputs, and the relations a row cannot be without: those are not required inputs where a key may stand for them. */
function creationTemplate(type: GraphQLInputType, model: ExampleModel): unknown {
  const template = placeholder(type);
  const input = getNullableType(type);
  if (!isInputObjectType(input)) return template;
  const relations = model.toOne
    .filter((field) => isAlwaysThere(field, model))
    .flatMap(({ name }) => input.getFields()[name] ?? [])
    .map(({ name, type: relation }) => [name, placeholder(relation, name)] as const);
  return { ...(template as object), ...Object.fromEntries(relations) };
}

// @NOTE a relation's own type may be nullable because a rule can hide the other row; its key tells.
function isAlwaysThere(field: Field, model: ExampleModel): boolean {
  const key = model.type.getFields()[`${field.name}Id`];
  return isNonNullType(field.type) || (key !== undefined && isNonNullType(key.type));
}

function pickToOne(model: ExampleModel, count: number): Field[] {
  // A parent of the same kind says less than another model; a relation that is always there says more than one that may be.
  const rank = (field: Field) => (typeOf(field) === model.type ? 2 : 0) + (isAlwaysThere(field, model) ? 0 : 1);
  return [...model.toOne].sort((a, b) => rank(a) - rank(b)).slice(0, count);
}

function pickToMany(model: ExampleModel, models: ExampleModel[]): Field | undefined {
  const rank = (field: Field) => {
    const target = models.find(({ type }) => type === nodeType(field));
    const onward = target?.toOne.filter((each) => typeOf(each) !== model.type).length ?? 0;
    return (nodeType(field) === model.type ? 0 : 100) + onward;
  };
  return [...model.toMany].sort((a, b) => rank(b) - rank(a))[0];
}

function inner(toMany: Field, from: ExampleModel, models: ExampleModel[]): string {
  const type = nodeType(toMany)!;
  const onward = models.find((each) => each.type === type)?.toOne.find((field) => typeOf(field) !== from.type);
  return `${leaves(type, 3)} ${onward ? `${onward.name} { ${leaves(typeOf(onward), 2)} }` : ''}`;
}

function connection(
  field: Field,
  first: number,
  nodes: string,
  { before = '', after = '' }: { before?: string; after?: string } = {},
  given: Record<string, string | undefined> = {},
): string {
  const known = new Set(field.args.map((argument) => argument.name));
  const values = Object.entries({ ...given, first: String(first) });
  const passed = values.filter(([name, value]) => value !== undefined && known.has(name));
  const list = passed.map(([name, value]) => `${name}: ${value}`).join(', ');
  return `${field.name}${list && `(${list})`} { ${before} nodes { ${nodes} } ${after} }`;
}

function leaves(type: GraphQLObjectType, count: number): string {
  return (
    tellingFields(type, count)
      .map((field) => field.name)
      .join(' ') || '__typename'
  );
}

function typeOf(field: Field): GraphQLObjectType {
  return getNullableType(field.type) as GraphQLObjectType;
}

function document(comment: string, source: string): string {
  // As wide as the editor is on a small screen, up to its buttons.
  const lines = comment.split('\n').flatMap((line) => line.match(/.{1,47}(?=\s|$)/g) ?? []);
  const remarks = lines.map((line) => `# ${line.trim()}`);
  return `${remarks.join('\n')}\n${print(parse(source))}\n`;
}

function isValid(schema: GraphQLSchema, example: ExampleQuery): boolean {
  return validate(schema, parse(example.query)).length === 0;
}

function relationCount(model: ExampleModel): number {
  return model.toOne.length + model.toMany.length;
}

function words(name: string): string {
  const split = name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').replaceAll('_', ' ');
  return split.trim().toLowerCase();
}

function sentence(name: string): string {
  return words(name).replace(/^./, (letter) => letter.toUpperCase());
}

function pascal(name: string): string {
  return name.replace(/^_*(.)/, (_, letter: string) => letter.toUpperCase());
}

function listing(parts: string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}
