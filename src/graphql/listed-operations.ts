/** The application's list of operations: a file that its clients' build has written, from the name of each document to its text. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type GraphQLError, type GraphQLSchema, parse, specifiedRules, validate } from 'graphql';
import type { GraphqlConfig } from '../config/config.ts';
import { StartupError } from '../errors.ts';
import { limitsRule } from './limits.ts';

/** The operations of the list. */
export interface ListedOperations {
  /** Texts by their names in the file, and by the SHA-256 of each in lower case hexadecimal digits. */
  byId: ReadonlyMap<string, string>;
  texts: ReadonlySet<string>;
}

/** The SHA-256 of a document's text in UTF-8, as clients name it. */
export const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A document's name, whether or not it says of a hash which one it is. */
export const plainId = (id: string): string => (id.startsWith('sha256:') ? id.slice('sha256:'.length) : id);

const shownProblems = 5;

/**
 * Reads the list and holds each of its documents to the schema and the limits.
 * @throws StartupError for a file that is none, and for documents that could never be executed
 */
export function readListedOperations(
  file: string,
  schema: GraphQLSchema,
  limits: GraphqlConfig['limits'],
): ListedOperations {
  const documents = documentsIn(file);
  const problems = documents.flatMap(([id, text]) => {
    const problem = problemOf(text, schema, limits);
    return problem === undefined ? [] : [`${id}: ${problem}`];
  });
  if (problems.length > 0) {
    const shown = problems.slice(0, shownProblems).map((problem) => `\n  - ${problem}`);
    throw new StartupError(
      `${problems.length} of the ${documents.length} operations of ${file} do not fit the schema:${shown.join('')}`,
      'Correct them or the schema, or take them out of the list: whoever asks for them would be refused.',
    );
  }
  const byHash = documents.map(([, text]) => [hashOf(text), text] as const);
  const byName = documents.map(([id, text]) => [plainId(id), text] as const);
  return { byId: new Map([...byHash, ...byName]), texts: new Set(documents.map(([, text]) => text)) };
}

function documentsIn(file: string): [string, string][] {
  const remedy = 'PERSISTED_OPERATIONS names a JSON file with an object: the name of each operation, and its text.';
  let found: unknown;
  try {
    found = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new StartupError(`${file} cannot be read as JSON.`, remedy, { cause: error });
  }
  const entries = isManifest(found) ? found.operations.map((o) => [o?.id, o?.body]) : entriesOf(found);
  if (!entries?.every((entry): entry is [string, string] => entry.every((part) => typeof part === 'string'))) {
    throw new StartupError(`${file} is no list of operations.`, remedy);
  }
  return entries;
}

const entriesOf = (value: unknown): unknown[][] | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : undefined;

/** The manifest that Apollo's tools write. */
const isManifest = (value: unknown): value is { operations: ({ id?: unknown; body?: unknown } | null)[] } =>
  entriesOf(value)?.some(([key, format]) => key === 'format' && format === 'apollo-persisted-query-manifest') ===
    true && Array.isArray((value as { operations?: unknown }).operations);

function problemOf(text: string, schema: GraphQLSchema, limits: GraphqlConfig['limits']): string | undefined {
  try {
    const document = parse(text, { maxTokens: limits.tokens });
    return validate(schema, document, [...specifiedRules, limitsRule(limits)])[0]?.message;
  } catch (error) {
    return (error as GraphQLError).message;
  }
}
