import { GraphQLSchema } from 'graphql';
import type { Api } from '../data/api/api-model.ts';
import { type Explaining, explainSchema } from '../data/explain/schema.ts';
import { dataSchema } from '../data/schema.ts';
import { StartupError } from '../errors.ts';
import { liveDirective, liveSchema } from '../live/schema.ts';
import { accountsSchema } from '../modules/auth/schema.ts';
import { type Builder, createBuilder } from './builder.ts';
import { exportDirective } from './exports.ts';
import { guardRoots } from './guard.ts';
import { previewDirective } from './preview.ts';

/** Adds fields of the application's own to the schema; the default export of app/schema.ts. */
export type SchemaExtension = (builder: Builder, api: Api) => void;

/** Builds the whole schema: the data API, every module's part, the application's own; all root fields guarded. */
export function buildSchema(
  api: Api,
  { extend, hasAccounts = false }: { extend?: SchemaExtension; hasAccounts?: boolean } = {},
  explaining = unexplained,
): GraphQLSchema {
  const builder = createBuilder();
  builder.queryType({ name: rootName('Query', api), description: 'What can be read.' });
  const models = [...api.models.values()];
  const hasWrites = models.some((m) => !m.isReadOnly);
  const hasStreams = models.some((m) => !m.model.isView);
  if (hasWrites || hasAccounts || extend)
    builder.mutationType({ name: rootName('Mutation', api), description: 'What can be changed.' });
  if (hasStreams)
    builder.subscriptionType({ name: rootName('Subscription', api), description: 'What can be followed.' });
  dataSchema(builder, api);
  liveSchema(builder, api);
  explainSchema(builder, api, explaining);
  if (hasAccounts) accountsSchema(builder, api);
  extend?.(builder, api);
  const schema = withoutFalseRoots(made(builder), api);
  guardRoots(schema);
  return schema;
}

/** The schema of all that was added. @throws StartupError when the application's own field has the name of another */
function made(builder: Builder): GraphQLSchema {
  try {
    return builder.toSchema();
  } catch (error) {
    const [, field, type] = /Duplicate field (\w+) on (\w+)/.exec((error as Error).message) ?? [];
    if (field === undefined) throw error;
    throw new StartupError(
      `app/schema.ts: ${type} has a field ${field} already`,
      'call yours otherwise; `npx millrace schema` shows the names that are taken once app/schema.ts is without it',
      { cause: error },
    );
  }
}

/** No rules, for a schema that is only looked at. */
const unexplained: Explaining = { rules: {}, adminRole: '', isOpen: false };

/** GraphQL does not ask its root types to have these names, so a model called `Query` may keep its own. */
const rootName = (name: string, api: Api): string => (api.byTypeName.has(name) ? `Root${name}` : name);

/** @NOTE the directives are added here, for Pothos knows none of its own.
 * Pothos takes a type called `Subscription` for the root of subscriptions; where it is a model's, it is not. */
function withoutFalseRoots(schema: GraphQLSchema, api: Api): GraphQLSchema {
  const config = schema.toConfig();
  const root = <Type extends { name: string }>(type: Type | null | undefined): Type | undefined =>
    type && !api.byTypeName.has(type.name) ? type : undefined;
  return new GraphQLSchema({
    ...config,
    directives: [...config.directives, liveDirective, exportDirective, previewDirective],
    mutation: root(config.mutation),
    subscription: root(config.subscription),
  });
}
