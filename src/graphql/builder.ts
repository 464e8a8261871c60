import SchemaBuilder from '@pothos/core';
import type { Context } from '../context.ts';

/** What Pothos needs to know of us: the context, and the scalars, which all travel as text except JSON. */
export interface BuilderTypes {
  Context: Context;
  Scalars: {
    BigInt: { Input: string; Output: string };
    Decimal: { Input: string; Output: string };
    DateTime: { Input: string; Output: string };
    Date: { Input: string; Output: string };
    Time: { Input: string; Output: string };
    Bytes: { Input: string; Output: string };
    JSON: { Input: unknown; Output: unknown };
  };
}

/** A schema in the making; each module adds its types and fields to it. */
export type Builder = PothosSchemaTypes.SchemaBuilder<PothosSchemaTypes.ExtendDefaultTypes<BuilderTypes>>;

/** A new, empty schema in the making. */
export const createBuilder = (): Builder => new SchemaBuilder<BuilderTypes>({});
