import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Prisma } from '../../generated/prisma/client.ts';
import type { Viewer } from '../../viewer.ts';
import type { ColumnSchema, FittingSchema } from './column-schema.ts';
import type { RuleSet } from './rule-set.ts';

export type { Viewer } from '../../viewer.ts';

type Models = Prisma.TypeMap['model'];
type ModelName = keyof Models & string;
type Where<M extends ModelName> = NonNullable<Models[M]['operations']['findMany']['args']['where']>;
type FieldName<M extends ModelName> = (keyof Models[M]['payload']['scalars'] | keyof Models[M]['payload']['objects']) &
  string;
type ColumnName<M extends ModelName> = keyof Models[M]['payload']['scalars'] & string;

/** True, false, or the rows for which it is true; as it stands, or as a function of the viewer. */
export type Rule<W> = boolean | W | ((viewer: Viewer) => boolean | W);

/** The rules of one field: a value one may not read is null, one that one may not write is refused. */
export interface FieldRules<W> {
  read?: Rule<W>;
  write?: Rule<W>;
}

/** How a model stands in the API. */
export interface ModelNaming<M extends ModelName> {
  /** Name of its type; root fields follow it (`Task` → `task`, `tasks`, `createTask`). */
  name?: string;
  /** Name of the field that lists it, where the plural made of `name` will not do. */
  plural?: string;
  /** Fields that are not in the API at all. */
  omit?: readonly FieldName<M>[];
  /** Other names for fields. */
  rename?: { readonly [F in FieldName<M>]?: string };
  /** The API reads and follows its rows, and has nothing that writes them, whoever asks. */
  readOnly?: boolean;
}

/** The rules of one model. An action without a rule is open to the admin role alone. */
export interface ModelRules<M extends ModelName> {
  /** False leaves the model out of the API; an object names it or its fields differently there. */
  api?: false | ModelNaming<M>;
  /** Which rows may be seen: in lists, relations, counts, filters, everywhere. */
  read?: Rule<Where<M>>;
  /** What a new row must be like. */
  create?: Rule<Where<M>>;
  /** Which rows may be changed; it must hold before the change and after it. */
  update?: Rule<Where<M>>;
  /** Which rows may be deleted. */
  delete?: Rule<Where<M>>;
  fields?: { readonly [F in ColumnName<M>]?: FieldRules<Where<M>> };
  /** What values must be like, whoever writes them; what the schema makes of a value is what is written. */
  values?: { readonly [F in ColumnName<M>]?: ColumnSchema<Models[M]['payload']['scalars'][F]> };
  /** What a new row gets where its writer says nothing: the owner, say. No rule for writing the field is asked. */
  defaults?: { readonly [F in ColumnName<M>]?: Default<Models[M]['payload']['scalars'][F]> };
  /** A column that counts: it grows by one with every change, no client sets it, and `ifVersion` asks for it. */
  version?: ColumnName<M>;
}

/** A value, or a function of the viewer that returns one; undefined leaves the field to the schema's own default. */
export type Default<T> = T | ((viewer: Viewer) => T | undefined);

/** The rules of an application: one entry for each model that somebody but the admin role may use. */
export type Rules = { readonly [M in ModelName]?: ModelRules<M> };

type KeysOf<T> = T extends unknown ? keyof T : never;
type ValueOf<T, K> = T extends unknown ? (K extends keyof T ? T[K] : never) : never;
type Plain<T> = Extract<T, object>;

/** `T` with `never` in place of every key that the allowed type does not have, at any depth; schemas have to fit. */
export type Exact<T, Allowed> = T extends readonly (infer Item)[]
  ? readonly Exact<Item, Plain<Allowed> extends readonly (infer A)[] ? A : Allowed>[]
  : T extends Date | Uint8Array
    ? T
    : T extends StandardSchemaV1
      ? FittingSchema<T, Allowed>
      : T extends (...args: infer A) => infer R
        ? (...args: A) => Exact<R, Allowed extends (...args: never[]) => infer B ? B : never>
        : T extends object
          ? { [K in keyof T]: K extends KeysOf<Plain<Allowed>> ? Exact<T[K], ValueOf<Plain<Allowed>, K>> : never }
          : T;

/**
 * Declares who may do what. Typed from the models: a model, field or operator that does not exist is a compile error,
 * also inside a `where` that a function returns (where TypeScript alone would let it pass).
 */
export function defineRules<const R extends Rules>(
  // @NOTE where something has a wrong type, R is inferred as Rules itself, of which `Exact` would make nothing to check against.
  rules: R & (Rules extends R ? unknown : Exact<R, Rules>),
): RuleSet {
  return rules as RuleSet;
}
