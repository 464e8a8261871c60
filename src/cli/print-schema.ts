import { type GraphQLSchema, lexicographicSortSchema, printSchema } from 'graphql';
import { createApplication, readSources } from '../application.ts';

/** The API of a project as GraphQL's schema language, sorted so that a diff shows changes only. Needs no database. */
export async function printApiSchema(root: string): Promise<string> {
  const limits = { tokens: 0, depth: 0, aliases: 0, pageSize: 0, maxPageSize: 0, answerBytes: 0 };
  const { schema } = createApplication(await readSources(root), { limits, planCacheSize: 1 });
  return `${rootsOf(schema)}${printSchema(lexicographicSortSchema(schema))}\n`;
}

/** A model called `Subscription` would be read as the root of subscriptions, were it not said which roots there are. */
function rootsOf(schema: GraphQLSchema): string {
  const [query, mutation] = [schema.getQueryType()?.name, schema.getMutationType()?.name];
  const isSaid = query !== 'Query' || (mutation && mutation !== 'Mutation');
  const isModel = (name: string, root: unknown) => schema.getType(name) && !root;
  if (isSaid || !(isModel('Subscription', schema.getSubscriptionType()) || isModel('Mutation', mutation))) return '';
  return `schema {\n  query: ${query}\n${mutation ? `  mutation: ${mutation}\n` : ''}}\n\n`;
}
