import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { ColumnField } from '../model/datamodel.ts';

/** A schema of whichever library: what values of a column must be like, and what is made of them. */
export type ValueSchema = StandardSchemaV1;

/** A schema that answers later. A write does not wait for anybody but the database, with a transaction open. */
export class AsynchronousSchema extends TypeError {}

/** Asks a schema of a value. @param place of the schema, for errors @throws AsynchronousSchema */
export function askSchema(schema: ValueSchema, value: unknown, place: string): StandardSchemaV1.Result<unknown> {
  const result = schema['~standard'].validate(value);
  if (!('then' in result)) return result;
  // @NOTE nobody waits for it, and a promise that rejects unheard would end the process.
  result.then(
    () => {},
    () => {},
  );
  throw new AsynchronousSchema(`the schema of ${place} is asynchronous, or threw`);
}

/** Why this cannot be the schema of the column; undefined when it can, as far as one value shows. */
export function schemaProblem(schema: unknown, field: ColumnField): string | undefined {
  if (!isSchema(schema)) return 'is no schema (of zod, or of another library that keeps to standardschema.dev)';
  const sample = field.isList ? [sampleOf(field)] : sampleOf(field);
  try {
    askSchema(schema, sample, field.name);
    return undefined;
  } catch (error) {
    const at = JSON.stringify(sample);
    // @NOTE one and the same to zod, which asks a function that threw once more in the other way.
    if (error instanceof AsynchronousSchema)
      return `answers later than asked, or throws at ${at}; no write waits for it`;
    return `throws at ${at}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** @NOTE some are functions: those of ArkType. */
function isSchema(schema: unknown): schema is ValueSchema {
  if ((typeof schema !== 'object' && typeof schema !== 'function') || schema === null) return false;
  const standard = (schema as Partial<ValueSchema>)['~standard'];
  return standard?.version === 1 && typeof standard.validate === 'function';
}

/** Some value of the column, as a client would send it. */
function sampleOf({ type, nativeType = '' }: ColumnField): unknown {
  if (type.kind === 'enum') return type.enum.values[0]?.name;
  switch (type.name) {
    case 'Boolean':
      return true;
    case 'Int':
    case 'Float':
    case 'Json':
      return 1;
    case 'DateTime':
      if (nativeType.startsWith('Time') && !nativeType.startsWith('Timestamp')) return '12:00:00';
      return nativeType === 'Date' ? '2026-01-31' : '2026-01-31T12:00:00Z';
    case 'Bytes':
      return 'AAAA';
    default:
      return '1';
  }
}
