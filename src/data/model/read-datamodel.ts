import { createRequire } from 'node:module';
import type * as DMMF from '@prisma/dmmf';
import { StartupError } from '../../errors.ts';
import type {
  ColumnField,
  Datamodel,
  EnumType,
  Field,
  Model,
  RelationField,
  RelationLink,
  ScalarType,
  TableName,
  UniqueKey,
  UnsupportedField,
} from './datamodel.ts';
import { schemaBlocks } from './schema-blocks.ts';
import { composeSchema, type SchemaFile, schemaProblems } from './schema-files.ts';

// @NOTE the WASM parser is CommonJS and compiles its module when loaded (30 ms): loaded on first use, not on import.
const loadParser = (): typeof import('@prisma/prisma-schema-wasm') =>
  createRequire(import.meta.url)('@prisma/prisma-schema-wasm');

/**
 * Reads a Prisma schema, given as the text of its files, into a datamodel.
 * Takes about 30 ms for the first schema of a process, a few ms after that.
 * @param defaultSchema the PostgreSQL schema of models that name none
 * @throws StartupError naming file, line and reason of every mistake in the schema
 */
export function readDatamodel(files: readonly SchemaFile[], defaultSchema = 'public'): Datamodel {
  const parser = loadParser();
  const composed = composeSchema(files);
  const problems = schemaProblems(composed, parser.lint(JSON.stringify(composed.map((f) => [f.path, f.content]))));
  if (problems.length > 0) {
    throw new StartupError(problems.join('\n'), remedyFor(problems, files));
  }
  const document = parse(parser, composed);
  return fromDocument(document, surroundingsOf(composed, defaultSchema));
}

/** A model of the application's own may have the name of one of the platform's, which is there while its file is. */
function remedyFor(problems: readonly string[], files: readonly SchemaFile[]): string {
  const names = problems.flatMap((p) => /"(\w+)" (?:cannot|could not) be defined because .* exists/.exec(p)?.[1] ?? []);
  const twice = files.find(
    ({ path, content }) =>
      path.startsWith('prisma/platform/') &&
      names.some((name) => new RegExp(`^model ${name}\\b|@@map\\("${name}"\\)`, 'm').test(content)),
  );
  return twice
    ? `rename yours, or delete ${twice.path} to do without the platform's`
    : 'correct the schema; `npx prisma validate` checks it alone';
}

function parse(parser: ReturnType<typeof loadParser>, files: readonly SchemaFile[]): DMMF.Datamodel {
  try {
    const input = { prismaSchema: files.map((f) => [f.path, f.content]), noColor: true };
    return JSON.parse(parser.get_datamodel(JSON.stringify(input))) as DMMF.Datamodel;
  } catch (error) {
    throw new StartupError(messageOf(error), 'correct the schema; `npx prisma validate` checks it alone', {
      cause: error,
    });
  }
}

function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  try {
    return (JSON.parse(text) as { message: string }).message;
  } catch {
    return text;
  }
}

/** What the parsed document does not say. */
interface Surroundings {
  views: ReadonlySet<string>;
  /** By model: its `Unsupported("…")` fields. */
  unsupported: ReadonlyMap<string, readonly UnsupportedField[]>;
  defaultSchema: string;
  /** Relations are foreign keys in the database, as they are unless `relationMode` says otherwise. */
  enforcesKeys: boolean;
}

/** The parsed document tells no views from tables and leaves out what is unsupported, so both are read from the text. */
function surroundingsOf(files: readonly SchemaFile[], defaultSchema: string): Surroundings {
  const blocks = files.flatMap((file) => schemaBlocks(file.content));
  return {
    views: new Set(blocks.filter((b) => b.keyword === 'view').map((b) => b.name)),
    unsupported: new Map(blocks.map((b) => [b.name, unsupportedFields(b.body)])),
    defaultSchema,
    enforcesKeys: !blocks.some(
      (b) => b.keyword === 'datasource' && /^[ \t]*relationMode[ \t]*=[ \t]*"prisma"/m.test(b.body),
    ),
  };
}

const unsupportedFields = (body: string): UnsupportedField[] =>
  [...body.matchAll(/^[ \t]*(\w+)[ \t]+Unsupported\("(?:\\.|[^"\\])*"\)(.*)$/gm)].map(([, name, rest]) => ({
    name: name!,
    isRequired: !/^[?[]|@default\(/.test(rest!),
  }));

function fromDocument(document: DMMF.Datamodel, around: Surroundings): Datamodel {
  const enums = new Map(document.enums.map((e) => [e.name, enumType(e)]));
  const columns = new Map(
    document.models.map((m) => [m.name, m.fields.filter(isColumn).map((field) => columnField(field, enums, m))]),
  );
  const models = document.models.map((m) => modelOf(m, document, columns, around));
  return { enums, models: new Map(models.map((m) => [m.name, m])), enforcesKeys: around.enforcesKeys };
}

function enumType(source: DMMF.DatamodelEnum): EnumType {
  return {
    name: source.name,
    documentation: source.documentation,
    values: source.values.map((v) => ({ name: v.name, label: v.dbName ?? v.name, documentation: documentationOf(v) })),
  };
}

// @NOTE the parser gives enum values their `///` comment, but its types do not say so.
const documentationOf = (value: object): string | undefined => (value as { documentation?: string }).documentation;

const isColumn = (field: DMMF.Field): boolean => field.kind === 'scalar' || field.kind === 'enum';

function columnField(field: DMMF.Field, enums: ReadonlyMap<string, EnumType>, source: DMMF.Model): ColumnField {
  return {
    kind: 'column',
    name: field.name,
    column: field.dbName ?? field.name,
    documentation: field.documentation,
    type:
      field.kind === 'enum'
        ? { kind: 'enum', enum: enums.get(field.type)! }
        : { kind: 'scalar', name: field.type as ScalarType },
    nativeType: field.nativeType?.[0] ?? undefined,
    nativeArgs: field.nativeType?.[1] ?? [],
    isList: field.isList,
    isRequired: field.isRequired,
    default: defaultOf(field),
    isUpdatedAt: field.isUpdatedAt ?? false,
    refersTo: source.fields.find((f) => f.relationFromFields?.includes(field.name))?.type,
  };
}

function defaultOf(field: DMMF.Field): ColumnField['default'] {
  const value = field.default;
  if (value === undefined) return undefined;
  if (typeof value === 'object' && value !== null && 'name' in value) {
    return { kind: 'function', function: { name: value.name, args: value.args as (string | number)[] } };
  }
  return { kind: 'value', value };
}

function modelOf(
  source: DMMF.Model,
  document: DMMF.Datamodel,
  columns: ReadonlyMap<string, ColumnField[]>,
  around: Surroundings,
): Model {
  const own = columns.get(source.name)!;
  const relations = source.fields
    .filter((field) => field.kind === 'object')
    .map((field) => relationField(field, source, document, columns, around));
  const byName = new Map<string, Field>([...own, ...relations].map((f) => [f.name, f]));
  const inOrder = source.fields.map((f) => byName.get(f.name)).filter((f) => f !== undefined);
  return {
    name: source.name,
    table: tableOf(source, around),
    documentation: source.documentation,
    isView: around.views.has(source.name),
    fields: new Map(inOrder.map((f) => [f.name, f])),
    columns: own,
    relations,
    uniqueKeys: uniqueKeys(source, own),
    unsupported: around.unsupported.get(source.name) ?? [],
  };
}

const tableOf = (source: DMMF.Model, { defaultSchema }: Surroundings): TableName => ({
  schema: source.schema ?? defaultSchema,
  name: source.dbName ?? source.name,
});

function uniqueKeys(source: DMMF.Model, columns: readonly ColumnField[]): UniqueKey[] {
  const column = (name: string) => columns.find((c) => c.name === name);
  const key = (name: string | null | undefined, names: readonly string[], isPrimary: boolean): UniqueKey[] => {
    const fields = names.map(column).filter((f) => f !== undefined);
    return fields.length === names.length ? [{ name: name ?? names.join('_'), fields, isPrimary }] : [];
  };
  const single = (isPrimary: boolean) =>
    source.fields.filter((f) => (isPrimary ? f.isId : f.isUnique)).flatMap((f) => key(null, [f.name], isPrimary));
  return [
    ...single(true),
    ...(source.primaryKey ? key(source.primaryKey.name, source.primaryKey.fields, true) : []),
    ...single(false),
    ...source.uniqueIndexes.flatMap((index) => key(index.name, index.fields, false)),
  ];
}

function relationField(
  field: DMMF.Field,
  source: DMMF.Model,
  document: DMMF.Datamodel,
  columns: ReadonlyMap<string, ColumnField[]>,
  around: Surroundings,
): RelationField {
  const target = document.models.find((m) => m.name === field.type)!;
  const inverse = inverseOf(field, source, target);
  return {
    kind: 'relation',
    name: field.name,
    documentation: field.documentation,
    target: target.name,
    isList: field.isList,
    isRequired: field.isRequired,
    link: linkOf(field, inverse, source, target, columns, around),
    inverse: inverse.name,
  };
}

/** The field at the other end: same relation, and, within one model, not the field itself. */
function inverseOf(field: DMMF.Field, source: DMMF.Model, target: DMMF.Model): DMMF.Field {
  return target.fields.find(
    (f) => f.relationName === field.relationName && !(source.name === target.name && f.name === field.name),
  )!;
}

function linkOf(
  field: DMMF.Field,
  inverse: DMMF.Field,
  source: DMMF.Model,
  target: DMMF.Model,
  columns: ReadonlyMap<string, ColumnField[]>,
  around: Surroundings,
): RelationLink {
  const local = (name: string) => columns.get(source.name)!.find((c) => c.name === name)!;
  const remote = (name: string) => columns.get(target.name)!.find((c) => c.name === name)!;
  const from = field.relationFromFields ?? [];
  const foreign = inverse.relationFromFields ?? [];
  if (from.length > 0) {
    return {
      kind: 'own',
      pairs: from.map((f, i) => ({ local: local(f), remote: remote(field.relationToFields![i]!) })),
    };
  }
  if (foreign.length > 0) {
    return {
      kind: 'foreign',
      pairs: foreign.map((f, i) => ({ local: local(inverse.relationToFields![i]!), remote: remote(f) })),
    };
  }
  // Prisma's convention: column A belongs to the model whose name sorts first, and within one model to the field whose name does.
  const isA = source.name === target.name ? field.name < inverse.name : source.name < target.name;
  const idOf = (model: DMMF.Model, column: (name: string) => ColumnField) =>
    column(model.fields.find((f) => f.isId)!.name);
  return {
    kind: 'join',
    table: { schema: tableOf(isA ? source : target, around).schema, name: `_${field.relationName}` },
    localColumn: isA ? 'A' : 'B',
    remoteColumn: isA ? 'B' : 'A',
    local: idOf(source, local),
    remote: idOf(target, remote),
  };
}
