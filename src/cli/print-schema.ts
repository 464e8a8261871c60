import { lexicographicSortSchema, printSchema } from 'graphql';
import { createApplication, readSources } from '../application.ts';

/** The API of a project as GraphQL's schema language, sorted so that a diff shows changes only. Needs no database. */
export async function printApiSchema(root: string): Promise<string> {
  const limits = { tokens: 0, depth: 0, aliases: 0, pageSize: 0, maxPageSize: 0 };
  const { schema } = createApplication(await readSources(root), { limits, planCacheSize: 1 });
  return `${printSchema(lexicographicSortSchema(schema))}\n`;
}
