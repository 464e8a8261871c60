import {
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
} from 'graphql';

type Field = GraphQLField<unknown, unknown>;

/** One model of the generated API, found by the shape of the schema alone. */
export interface ExampleModel {
  type: GraphQLObjectType;
  /** The root field with pages of it. */
  many: Field;
  /** The root field with one of it by unique key, if there is one. */
  one?: Field;
  /** The mutation that makes one, if there is one. */
  create?: Field;
  /** The subscription to what happens to its rows, if there is one. */
  changes?: Field;
  /** Fields without required arguments that hold one other row. */
  toOne: Field[];
  /** Fields without required arguments that hold pages of other rows. */
  toMany: Field[];
}

/** Finds the models a query can reach, in the schema's order (which may be the alphabet's, and then says nothing). */
export function findModels(schema: GraphQLSchema): ExampleModel[] {
  const queries = fieldsOf(schema.getQueryType());
  const mutations = fieldsOf(schema.getMutationType());
  const subscriptions = fieldsOf(schema.getSubscriptionType());
  const models = new Map<GraphQLObjectType, ExampleModel>();
  for (const many of queries) {
    const type = nodeType(many);
    if (!type || models.has(type) || !isPlain(many)) continue;
    const one = queries.find((field) => getNullableType(field.type) === type && takesOne(field));
    const create = mutations.find(
      (field) => /^create[A-Z]/.test(field.name) && getNullableType(field.type) === type && takesOne(field),
    );
    const changes = subscriptions.find((field) => changedType(field) === type && isPlain(field));
    models.set(type, {
      type,
      many,
      toOne: [],
      toMany: [],
      ...(one && { one }),
      ...(create && { create }),
      ...(changes && { changes }),
    });
  }
  for (const model of models.values()) {
    const relations = fieldsOf(model.type).filter(isPlain);
    model.toOne = relations.filter((field) => models.has(getNullableType(field.type) as GraphQLObjectType));
    model.toMany = relations.filter((field) => nodeType(field) !== undefined);
  }
  return [...models.values()];
}

/** The type of a connection's nodes; undefined for a field that is no connection. */
export function nodeType(field: Field): GraphQLObjectType | undefined {
  const connection = getNullableType(field.type);
  if (!isObjectType(connection) || !('pageInfo' in connection.getFields())) return undefined;
  const nodes = connection.getFields().nodes;
  if (!nodes || !isListType(getNullableType(nodes.type)) || nodes.args.some(isRequiredArgument)) return undefined;
  const node = getNamedType(nodes.type);
  return isObjectType(node) ? node : undefined;
}

/** The type whose rows a subscription tells the changes of; undefined for a field that is none. */
function changedType(field: Field): GraphQLObjectType | undefined {
  const change = getNullableType(field.type);
  if (!isObjectType(change) || !('cursor' in change.getFields())) return undefined;
  const node = getNullableType(change.getFields().node?.type);
  return isObjectType(node) ? node : undefined;
}

/** Up to `count` fields worth showing, in this order: the key, what a person would call the row, then what says most. */
export function tellingFields(type: GraphQLObjectType, count: number): Field[] {
  const all = type.getFields();
  const leaves = fieldsOf(type).filter((field) => isPlain(field) && isLeafType(getNullableType(field.type)));
  const shown = leaves.filter((field) => {
    const relation = all[field.name.replace(/_?Id$/i, '')];
    const isForeignKey = relation !== undefined && relation !== field && !isLeafType(getNamedType(relation.type));
    const isHeavy = /^(json|bytes)/i.test(getNamedType(field.type).name);
    return !isForeignKey && !isHeavy && !/password|secret|token|hash/i.test(field.name);
  });
  const hasName = shown.some((field) => namePattern.test(field.name));
  const ranked = shown
    .map((field, index) => ({ field, rank: rankOf(field, hasName) + index / 1000 }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ field }) => field);
  return (ranked.length > 0 ? ranked : leaves).slice(0, count);
}

const namePattern = /^(title|name|label|subject|headline|displayname|fullname)$/i;

function rankOf(field: Field, hasName: boolean): number {
  if (/^id$/i.test(field.name)) return 0;
  if (namePattern.test(field.name)) return 1;
  // An address is the kind of field that rules keep for its owner.
  if (/mail|phone|address/i.test(field.name)) return 9;
  if (/^(slug|code|number)$/i.test(field.name)) return 3;
  // Long text is how a row is known only where it has no name.
  if (/^(body|text|content|message|description|summary)$/i.test(field.name)) return hasName ? 6 : 3;
  const type = getNamedType(field.type);
  if ('getValues' in type) return 2;
  return (isNonNullType(field.type) ? 4 : 5) + (/date|time/i.test(type.name) ? 0.5 : 0);
}

function fieldsOf(type: GraphQLObjectType | null | undefined): Field[] {
  return Object.values(type?.getFields() ?? {}).filter((field) => !field.deprecationReason);
}

function isPlain(field: Field): boolean {
  return !field.args.some(isRequiredArgument);
}

function takesOne(field: Field): boolean {
  return field.args.filter(isRequiredArgument).length === 1;
}
