/**
 * Operations that a request names instead of writing them out: by `documentId` (GraphQL over HTTP, the appendix on persisted
 * documents) or by `extensions.persistedQuery` (Apollo's automatic persisted queries). A name is one of the application's list, or
 * the hash of a text that somebody has sent with it before.
 */
import { LRUCache } from 'lru-cache';
import { maxKeptLength } from '../data/plan-cache.ts';
import { invalidInput, MillraceError } from '../errors.ts';
import type { Viewer } from '../viewer.ts';
import { hashOf, type ListedOperations, plainId } from './listed-operations.ts';
import type { GraphqlRequest } from './yoga.ts';

/** A request that may be executed, as if its document had been written out. */
export interface Resolved {
  asked: GraphqlRequest;
  /** The hash that its text was sent with, to be kept under it when it has proved valid. */
  hash?: string;
}

/** The documents that requests may name. */
export interface Persisted {
  /** Whether a request has to be resolved at all. */
  concerns(asked: GraphqlRequest): boolean;
  /**
   * Puts the text in the place of its name, and refuses what the list forbids.
   * @throws MillraceError INVALID_INPUT, PERSISTED_QUERY_NOT_FOUND, FORBIDDEN, or what `viewer` fails with
   */
  resolve(asked: GraphqlRequest, viewer: () => Viewer | Promise<Viewer>): Promise<Resolved>;
  /** Keeps a valid text under the hash that it was sent with, for whoever names it. */
  keep(resolved: Resolved): void;
  /** What is kept now, the last used at the end. */
  texts(): string[];
}

/** Texts that were sent with their hash, and characters in all of them, that are kept. */
const maxTexts = 1000;
const maxCharacters = 5_000_000;

const longestId = 256;

/**
 * Makes the documents that may be named; those of the list are asked for at every request.
 * @param listedOnly executes nothing but what the list holds, except for the admin role
 */
export function createPersisted(listed: () => ListedOperations | undefined, listedOnly: boolean): Persisted {
  const automatic = new LRUCache<string, string>({
    max: maxTexts,
    maxSize: maxCharacters,
    sizeCalculation: (text) => text.length,
  });
  const textOf = (id: string, query: string): string | undefined => {
    const known = listed()?.byId.get(id);
    if (!query || known === query) return known ?? automatic.get(id);
    if (hashOf(query) !== id) throw invalidInput('query', 'it is not the text of the hash that it was sent with');
    return query;
  };
  return {
    concerns: (asked) => listedOnly || isNamed(asked),
    async resolve(asked, viewer) {
      const id = idOf(asked);
      const { documentId: _, ...rest } = asked;
      const text = id === undefined ? asked.query : textOf(id, asked.query);
      const isListed = text !== undefined && listed()?.texts.has(text) === true;
      if (listedOnly && !isListed && !(await viewer()).isAdmin) {
        throw new MillraceError('FORBIDDEN', 'only the operations of the application’s list are executed');
      }
      if (text === undefined) throw new MillraceError('PERSISTED_QUERY_NOT_FOUND', 'PersistedQueryNotFound');
      const isNew = id !== undefined && asked.query !== '' && !isListed;
      return { asked: { ...rest, query: text }, ...(isNew && { hash: id }) };
    },
    keep({ asked: { query }, hash }) {
      if (hash !== undefined && query.length <= maxKeptLength) automatic.set(hash, query);
    },
    texts: () => [...automatic.rvalues()].filter((text) => text !== undefined),
  };
}

/** Whether a request names its document, well or not. */
export function isNamed({ documentId, extensions }: Pick<GraphqlRequest, 'documentId' | 'extensions'>): boolean {
  return (documentId ?? persistedQueryIn(extensions)) != null;
}

const persistedQueryIn = (extensions: unknown): unknown =>
  typeof extensions === 'object' && extensions !== null && 'persistedQuery' in extensions
    ? extensions.persistedQuery
    : undefined;

/** @throws INVALID_INPUT */
function idOf({ documentId, extensions }: GraphqlRequest): string | undefined {
  if (documentId != null) {
    if (typeof documentId === 'string' && documentId !== '' && documentId.length <= longestId) {
      return plainId(documentId);
    }
    throw invalidInput('documentId', `a text of at most ${longestId} characters`);
  }
  const persistedQuery = persistedQueryIn(extensions);
  if (persistedQuery == null) return undefined;
  const { version, sha256Hash } = persistedQuery as { version?: unknown; sha256Hash?: unknown };
  if (version === 1 && typeof sha256Hash === 'string' && sha256Hash !== '' && sha256Hash.length <= longestId) {
    return plainId(sha256Hash);
  }
  throw invalidInput('extensions.persistedQuery', 'version 1, with a sha256Hash');
}
