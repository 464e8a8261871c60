import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Prisma } from '../../generated/prisma/client.ts';

/** A column's value as the API has it: what GraphQL has no type for is text. */
type ApiValue<T> = [Prisma.JsonValue] extends [T]
  ? unknown
  : T extends readonly (infer Item)[]
    ? ApiValue<Item>[]
    : T extends Date | bigint | Uint8Array | Prisma.Decimal
      ? string
      : T;

/** What a schema may make of it. */
type Writable<T> = [Prisma.JsonValue] extends [T]
  ? unknown
  : T extends readonly (infer Item)[]
    ? readonly Writable<Item>[]
    : T extends Date
      ? string | Date
      : T extends bigint
        ? string | number | bigint
        : T extends Prisma.Decimal
          ? string | number
          : T extends Uint8Array
            ? string | Uint8Array
            : T;

declare const column: unique symbol;

/** A schema of any library that keeps to standardschema.dev, for a column whose type in Prisma is `T`. */
export interface ColumnSchema<T> extends StandardSchemaV1 {
  /** @NOTE for the compiler alone: nothing has it. */
  readonly [column]?: [ApiValue<NonNullable<T>>, Writable<NonNullable<T>>];
}

/** Two types of which one takes something of the other: an enum of texts goes with a text, a number does not. */
type Meets<A, B> = [B] extends [A] ? true : [Extract<A, B>] extends [never] ? false : true;

/** The schema, if the column's values can go into it and what comes out can be written; else a schema that would do. */
export type FittingSchema<S extends StandardSchemaV1, Allowed> =
  Extract<Allowed, StandardSchemaV1> extends { readonly [column]?: [infer In, infer Out] }
    ? [Meets<StandardSchemaV1.InferInput<S>, In>, Meets<StandardSchemaV1.InferOutput<S>, Out>] extends [true, true]
      ? S
      : StandardSchemaV1<In, Out>
    : never;
