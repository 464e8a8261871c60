/**
 * The application's models as the engine sees them: names on both sides (API and database), types, keys and relations.
 *
 * Terms: a *model* is a table or view that Prisma describes; a *column field* holds a value; a *relation field* leads to
 * other rows, by foreign key (on one side or the other) or through the join table of an implicit many-to-many relation.
 * Everything here is plain data, made once by `readDatamodel` and never changed.
 */

/** Prisma's scalar types. */
export type ScalarType = 'String' | 'Boolean' | 'Int' | 'BigInt' | 'Float' | 'Decimal' | 'DateTime' | 'Json' | 'Bytes';

/** A function in `@default(…)`, with its arguments. */
export interface DefaultFunction {
  name: string;
  args: readonly (string | number)[];
}

/** What a new row gets when the writer says nothing. */
export type DefaultValue = { kind: 'value'; value: unknown } | { kind: 'function'; function: DefaultFunction };

/** A field that holds a value. */
export interface ColumnField {
  kind: 'column';
  name: string;
  column: string;
  documentation?: string;
  /** A scalar, or the name of an enum. */
  type: { kind: 'scalar'; name: ScalarType } | { kind: 'enum'; enum: EnumType };
  /** PostgreSQL's type where the schema names one: `Uuid`, `VarChar`, `Timestamptz` … */
  nativeType?: string;
  nativeArgs: readonly string[];
  isList: boolean;
  isRequired: boolean;
  default?: DefaultValue;
  isUpdatedAt: boolean;
  /** The model whose rows it names, where it is (part of) a foreign key. */
  refersTo?: string;
}

/** A field that leads to other rows. */
export interface RelationField {
  kind: 'relation';
  name: string;
  documentation?: string;
  /** Name of the model it leads to. */
  target: string;
  isList: boolean;
  isRequired: boolean;
  link: RelationLink;
  /** Name of the field on the other side. */
  inverse: string;
}

/**
 * How rows on both sides find each other.
 * `own`: this row holds the foreign key; `foreign`: the other row does; `join`: a join table does.
 */
export type RelationLink =
  | { kind: 'own' | 'foreign'; pairs: readonly { local: ColumnField; remote: ColumnField }[] }
  | {
      kind: 'join';
      table: TableName;
      localColumn: 'A' | 'B';
      remoteColumn: 'A' | 'B';
      local: ColumnField;
      remote: ColumnField;
    };

/** Any field. */
export type Field = ColumnField | RelationField;

/** A set of fields that names at most one row; `name` is how the API's `where` spells it. */
export interface UniqueKey {
  name: string;
  fields: readonly ColumnField[];
  isPrimary: boolean;
}

/** A table in a PostgreSQL schema. */
export interface TableName {
  schema: string;
  name: string;
}

/** A field that Millrace cannot carry; without it a new row is impossible when it is required and has no default. */
export interface UnsupportedField {
  name: string;
  isRequired: boolean;
}

/** A table or view. */
export interface Model {
  name: string;
  table: TableName;
  documentation?: string;
  isView: boolean;
  fields: ReadonlyMap<string, Field>;
  columns: readonly ColumnField[];
  relations: readonly RelationField[];
  /** The primary key first; empty for a view without keys. */
  uniqueKeys: readonly UniqueKey[];
  /** Fields that Millrace cannot carry (`Unsupported("…")`), left out of the API. */
  unsupported: readonly UnsupportedField[];
}

/** An enum; `label` is the value's name in the database. */
export interface EnumType {
  name: string;
  documentation?: string;
  values: readonly { name: string; label: string; documentation?: string }[];
}

/** All models and enums. */
export interface Datamodel {
  models: ReadonlyMap<string, Model>;
  enums: ReadonlyMap<string, EnumType>;
  /** A key that a row holds always leads to a row, because the database sees to it. */
  enforcesKeys: boolean;
}

/** The model of that name; a missing one is a fault of ours, for every name here comes from the same datamodel. */
export function modelNamed(datamodel: Datamodel, name: string): Model {
  const model = datamodel.models.get(name);
  if (!model) throw new Error(`no model ${name}`);
  return model;
}

/** Whether the table is a view's. */
export const isView = ({ models }: Datamodel, { schema, name }: TableName): boolean =>
  [...models.values()].some(({ table, isView }) => isView && table.schema === schema && table.name === name);

/** The relation field of that name on the model. */
export function relationNamed(model: Model, name: string): RelationField {
  const field = model.fields.get(name);
  if (field?.kind !== 'relation') throw new Error(`no relation ${model.name}.${name}`);
  return field;
}

/**
 * The fields that tell any two rows apart, for ordering: the primary key, another unique key without nullable fields,
 * or, for a view without any, every column that can be ordered.
 */
export function identifyingFields(model: Model): readonly ColumnField[] {
  const key =
    model.uniqueKeys.find((key) => key.isPrimary) ??
    model.uniqueKeys.find((key) => key.fields.every((f) => f.isRequired));
  return key?.fields ?? model.columns.filter(isOrderable);
}

/** Whether rows can be put in order by the field. */
export function isOrderable(field: ColumnField): boolean {
  return !field.isList && !(field.type.kind === 'scalar' && field.type.name === 'Json') && field.nativeType !== 'Xml';
}

/** Whether the field holds one JSON document, whose parts can be spoken of. */
export const isDocument = (field: ColumnField): boolean =>
  !field.isList && field.type.kind === 'scalar' && field.type.name === 'Json';
