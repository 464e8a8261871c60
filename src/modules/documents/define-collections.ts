import type { Exact, Rule } from '../../data/rules/define-rules.ts';
import type { Prisma } from '../../generated/prisma/client.ts';
import type { CollectionSet, PathIndex } from './collections.ts';

export type { Viewer } from '../../viewer.ts';

/** A Prisma `where` of the model Document; of anything, where the project has no such model. */
type Where = Prisma.TypeMap['model'] extends {
  Document: { operations: { findMany: { args: { where?: infer W } } } };
}
  ? NonNullable<W>
  : Record<string, unknown>;

/** The rules of one collection, as those of a model; what has no rule is closed to all but the admin role. */
interface CollectionRules {
  /** Which documents a viewer may see. */
  read?: Rule<Where>;
  /** What a new document must be like. */
  create?: Rule<Where>;
  /** Which documents may be changed; it must hold before the change and after it. */
  update?: Rule<Where>;
  /** Which documents may be deleted. */
  delete?: Rule<Where>;
}

/** One collection: who may do what, what its documents must be like, and by which of their parts they are found fast. */
export interface Collection extends CollectionRules {
  /** A JSON Schema (draft 2020-12) that `data` is held to when it is written. */
  schema?: Readonly<Record<string, unknown>>;
  /** Ways to parts of `data` that documents are often found or ordered by. */
  indexes?: readonly PathIndex[];
}

type Collections = Readonly<Record<string, Collection>>;

/** The same with `never` in place of every key that there is not, also inside of what a function returns. */
type ExactCollection<C> = {
  [K in keyof C]: K extends keyof CollectionRules
    ? Exact<C[K], CollectionRules[K]>
    : K extends 'schema' | 'indexes'
      ? C[K]
      : never;
};

/** Declares the collections of the model Document; the default export of app/documents.ts. */
export function defineCollections<const C extends Collections>(
  // @NOTE where something has a wrong type, C is inferred as Collections itself: see `defineRules`.
  collections: C & (Collections extends C ? unknown : { [K in keyof C]: ExactCollection<C[K]> }),
): CollectionSet {
  return collections as CollectionSet;
}
