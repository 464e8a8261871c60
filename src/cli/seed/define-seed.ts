import type { Prisma } from '../../generated/prisma/client.ts';
import type { Random } from './random.ts';

type Models = Prisma.TypeMap['model'];

/** The name of a model of yours. */
export type ModelName = keyof Models & string;

type Scalars<M extends ModelName> = Models[M]['payload']['scalars'];
type OneOf<T> = T extends readonly (infer Row)[] ? Row : never;
type CreateRow<M extends ModelName> = OneOf<Models[M]['operations']['createMany']['args']['data']>;
type Loose<T> = T extends { toDecimalPlaces: unknown } ? number | string : T;

/** A row to store, in the schema's names. What has a default may be left out. */
export type SeedRow<M extends ModelName> = {
  [K in keyof CreateRow<M>]: K extends keyof Scalars<M> ? Loose<Scalars<M>[K]> : never;
};

/** A row that was stored, with whatever was filled in. */
export type StoredRow<M extends ModelName> = Required<SeedRow<M>>;

type ListRelation<M extends ModelName> = {
  [K in keyof Models[M]['payload']['objects']]: Models[M]['payload']['objects'][K] extends readonly unknown[]
    ? K
    : never;
}[keyof Models[M]['payload']['objects']] &
  string;

/** What `app/seed.ts` is given to work with. */
export interface SeedTools {
  /** About how many rows were asked for, all models together. */
  rows: number;
  /** Choices that fall the same way every time. */
  random: Random;
  /** The moment that counts as now, so that the same rows come out on any day. */
  now: Date;
  /** Stores rows and returns them in the same order, with ids and defaults filled in. */
  insert<M extends ModelName>(model: M, rows: readonly SeedRow<M>[]): Promise<StoredRow<M>[]>;
  /** Joins rows of an implicit many-to-many relation, by pairs of ids: of the model first, of the other one second. */
  link<M extends ModelName>(model: M, relation: ListRelation<M>, pairs: readonly (readonly [Id, Id])[]): Promise<void>;
}

type Id = string | number | bigint;

/** The work of `app/seed.ts`. */
export type Seed = (tools: SeedTools) => Promise<void>;

/** Gives a seed its types; export its result from `app/seed.ts` as the default. */
export function defineSeed(seed: Seed): Seed {
  return seed;
}
