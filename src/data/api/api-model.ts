import { pluralize } from 'inflection';
import { StartupError } from '../../errors.ts';
import type { ColumnField, Datamodel, EnumType, Field, Model, RelationField, UniqueKey } from '../model/datamodel.ts';
import type { RuleSet } from '../rules/rule-set.ts';
import type { ValueSchema } from '../rules/value-schema.ts';
import { changeInputs } from '../writes/assignments.ts';
import type { WritePolicies, WritePolicy } from '../writes/policy.ts';
import { filterNameOf, havingNameOf } from './filters.ts';
import { countField, measures, resultOf } from './measures.ts';
import { scalarNames } from './scalars.ts';

/** A model as the API shows it: its names there, and the fields that are in it. */
export interface ApiModel {
  model: Model;
  /** Name of the GraphQL type. */
  name: string;
  /** Root field of one row, `task`; a prefix of nothing else. */
  one: string;
  /** Root field of many rows, `tasks`. */
  many: string;
  /** Fields by their name in the API; relations to models outside the API are not among them. */
  fields: ReadonlyMap<string, Field>;
  /** Relations to many rows by the name of the field that measures them. */
  aggregates: ReadonlyMap<string, RelationField>;
  /** Names in the API by those in the Prisma schema. */
  nameOf: ReadonlyMap<string, string>;
  /** Whether the rules let any viewer read every row: only then a required relation to it can be non-null. */
  isPublic: boolean;
  /** Fields, by Prisma's name, that some viewer may not read: nullable in the API. */
  guarded: ReadonlySet<string>;
  /** Nothing in the API writes it: it is a view, or the rules say so. */
  isReadOnly: boolean;
  /** What its writes are held to besides its rules. */
  policy?: WritePolicy;
  /** Schemas of columns, by Prisma's name. */
  values: ReadonlyMap<string, ValueSchema>;
  /** What new rows get where the writer says nothing, by the column's name in the schema: a value, or a function of the viewer. */
  defaults?: Readonly<Record<string, unknown>>;
  /** The column that counts changes, and that no client sets. */
  version?: ColumnField;
}

/** The models of the API by their name in the Prisma schema, and the enums they use. */
export interface Api {
  models: ReadonlyMap<string, ApiModel>;
  byTypeName: ReadonlyMap<string, ApiModel>;
  enums: readonly EnumType[];
  /** The name of a type of Millrace's own: as given, unless a model or an enum has it; then with `Millrace` before it. */
  typeName(name: string): string;
}

/** Types that GraphQL itself brings. */
const builtInTypes = ['String', 'Int', 'Float', 'Boolean', 'ID'];

/** Types that all models share. */
const sharedTypes = [
  ...scalarNames,
  'PageInfo',
  'SortOrder',
  'NullsOrder',
  'SortOrderInput',
  'JsonOrderByInput',
  'OrderByCount',
  'QueryMode',
  'SearchLanguage',
  'SimilarInput',
  'ChangeType',
  'ChangeReason',
  'DateUnit',
  'DateGroupInput',
  'NumberGroupOrder',
  'ValueGroupOrder',
  'KeyGroupOrder',
  'CountGroupOrder',
  'ExplainAccessInput',
  'ExplainViewerInput',
  'AccessAction',
  'AccessExplanation',
  'FieldAccess',
  'RuleExplanation',
  'RuleVerdict',
  'RulePart',
  'RuleJoin',
];

/** Types that are made for a model, by what their names add to the model's. */
const derivedTypes = (name: string): string[] => [
  `${name}Connection`,
  `${name}Edge`,
  `${name}WhereInput`,
  `${name}WhereUniqueInput`,
  `${name}OrderByInput`,
  `${name}TextField`,
  `${name}SearchInput`,
  `${name}RelevanceInput`,
  `${name}SimilarityInput`,
  `${name}ScalarRelationFilter`,
  `${name}ListRelationFilter`,
  `Create${name}Input`,
  `Update${name}Input`,
  `UpdateMany${name}Input`,
  `${name}NumbersInput`,
  `${name}ListsInput`,
  `${name}CreateNestedOneInput`,
  `${name}CreateNestedManyInput`,
  `${name}UpdateNestedOneInput`,
  `${name}UpdateNestedOneRequiredInput`,
  `${name}UpdateNestedManyInput`,
  `${name}UpdateOneOfInput`,
  `${name}UpdateManyOfInput`,
  `${name}UpsertOneInput`,
  `${name}UpsertOneOfInput`,
  `${name}CreateManyInput`,
  `${name}ConnectOrCreateInput`,
  `${name}Batch`,
  `${name}Change`,
  `${name}Key`,
  `${name}Count`,
  `${name}Extremes`,
  `${name}Sum`,
  `${name}Average`,
  `${name}Aggregate`,
  `${name}Group`,
  `${name}GroupKeys`,
  `${name}GroupByInput`,
  `${name}GroupOrderByInput`,
  `${name}HavingInput`,
];

const readFields = ({ one, many, model }: ApiModel): string[] => [
  ...(model.uniqueKeys.length > 0 ? [one] : []),
  many,
  aggregateName(many),
  `${many}GroupBy`,
];

/** The field that measures what the field of this name lists. */
export const aggregateName = (many: string): string => `${many}Aggregate`;

const writeFields = ({ name, many, isReadOnly }: ApiModel): string[] =>
  isReadOnly
    ? []
    : [
        ...['create', 'update', 'upsert', 'delete'].map((action) => `${action}${upperFirst(name)}`),
        ...['create', 'update', 'delete'].map((action) => `${action}${upperFirst(many)}`),
      ];

const columnsOf = (model: ApiModel): ColumnField[] => [...model.fields.values()].filter((f) => f.kind === 'column');

/** The unique keys whose fields are all in the API. */
export const reachableKeys = (model: ApiModel): UniqueKey[] =>
  model.model.uniqueKeys.filter((key) => key.fields.every((f) => model.nameOf.has(f.name)));

/** The reachable keys of several fields. */
export const compoundKeys = (model: ApiModel): UniqueKey[] => reachableKeys(model).filter((k) => k.fields.length > 1);

/** Name of the input type that a key of several fields has. */
export const compoundKeyName = ({ name }: ApiModel, key: UniqueKey): string =>
  `${name}${key.fields.map((f) => upperFirst(f.name)).join('')}CompoundUniqueInput`;

/** `Task` → `task`, `HTTPLog` → `hTTPLog`, as Prisma Client names its models. */
export const lowerFirst = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1);

/** The contrary of `lowerFirst`. */
export const upperFirst = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

/**
 * Decides what is in the API and what it is called there.
 * @throws StartupError when two things would have one name, naming the model and the line of app/rules.ts that helps
 */
export function describeApi(datamodel: Datamodel, rules: RuleSet, policies: WritePolicies = new Map()): Api {
  const included = [...datamodel.models.values()].filter((model) => rules[model.name]?.api !== false);
  const names = new Set(included.map((model) => model.name));
  const ones = new Set(included.map((model) => lowerFirst(typeNameIn(model, rules))));
  const models = included.map((model) => ({
    ...apiModel(model, names, ones, rules),
    policy: policies.get(model.name),
  }));
  const enums = [...datamodel.enums.values()].filter((e) =>
    models.some((m) =>
      [...m.fields.values()].some((f) => f.kind === 'column' && f.type.kind === 'enum' && f.type.enum === e),
    ),
  );
  const taken = new Set([...models, ...enums].map(({ name }) => name));
  const api: Api = {
    models: new Map(models.map((m) => [m.model.name, m])),
    byTypeName: new Map(models.map((m) => [m.name, m])),
    enums,
    typeName: (name) => (taken.has(name) ? `Millrace${name}` : name),
  };
  checkNames(api);
  return api;
}

const namingOf = (model: Model, rules: RuleSet) => rules[model.name]?.api || {};

const typeNameIn = (model: Model, rules: RuleSet): string => namingOf(model, rules).name ?? model.name;

function apiModel(model: Model, included: ReadonlySet<string>, ones: ReadonlySet<string>, rules: RuleSet): ApiModel {
  const own = rules[model.name];
  const naming = namingOf(model, rules);
  const omitted = new Set(naming.omit);
  const fields = [...model.fields.values()]
    .filter((f) => !omitted.has(f.name) && (f.kind === 'column' || included.has(f.target)))
    .map((f): [string, Field] => [naming.rename?.[f.name] ?? f.name, f]);
  const name = typeNameIn(model, rules);
  const one = lowerFirst(name);
  return {
    model,
    name,
    one,
    many: naming.plural ?? pluralOf(one, ones),
    fields: new Map(fields),
    aggregates: new Map(
      fields.flatMap(([name, f]): [string, RelationField][] =>
        f.kind === 'relation' && f.isList ? [[aggregateName(name), f]] : [],
      ),
    ),
    nameOf: new Map(fields.map(([apiName, f]) => [f.name, apiName])),
    defaults: own?.defaults,
    version: model.columns.find((column) => column.name === own?.version),
    isPublic: own?.read === true,
    isReadOnly: model.isView || naming.readOnly === true,
    guarded: new Set(model.columns.filter((c) => isGuarded(own?.fields?.[c.name]?.read)).map((c) => c.name)),
    values: new Map(Object.entries(own?.values ?? {})),
  };
}

const isGuarded = (rule: unknown): boolean => rule !== undefined && rule !== true;

/** The plural; where that names one row already, of this model (`news`, `users`) or another's (`settings`), `newsList`. */
function pluralOf(one: string, ones: ReadonlySet<string>): string {
  const many = pluralize(one);
  return ones.has(many) ? `${one}List` : many;
}

function checkNames(api: Api): void {
  const problems: string[] = [];
  const models = [...api.models.values()];
  const claim = (taken: Map<string, string>, name: string, owner: string, remedy: string) => {
    const other = taken.get(name);
    if (other && other !== owner) problems.push(`${owner}: the name ${name} is already that of ${other}; ${remedy}`);
    else if (/^__/.test(name)) problems.push(`${owner}: GraphQL keeps names that begin with __ for itself; ${remedy}`);
    else if (!isName(name)) problems.push(`${owner}: ${name} is no name in GraphQL; ${remedy}`);
    else taken.set(name, owner);
  };
  const types = new Map(builtInTypes.map((name) => [name, 'a type of GraphQL']));
  for (const name of sharedTypes) types.set(api.typeName(name), 'a type of Millrace');
  for (const e of api.enums) {
    const remedy = `rename the enum and keep its name in the database by @@map("${e.name}")`;
    claim(types, e.name, `enum ${e.name}`, remedy);
    for (const { name } of e.values) {
      if (!isName(name) || /^(?:true|false|null|__.*)$/.test(name))
        problems.push(`enum ${e.name}: ${name} is no value in GraphQL; rename it and keep it by @map("${name}")`);
    }
  }
  const queries = new Map(['changesCursor', 'explainAccess'].map((name) => [name, 'a query of Millrace']));
  const mutations = new Map<string, string>();
  for (const model of models) {
    const { name } = model.model;
    const owner = `model ${name}`;
    problems.push(...fieldProblems(model));
    const write = (another: string) => `in app/rules.ts write ${name}: { api: { name: '${another}' } }`;
    if (!isName(model.name)) {
      // Once, and not for every name that is made of it.
      problems.push(`${owner}: ${model.name} is no name in GraphQL; ${write(plainName(model.name))}`);
      continue;
    }
    const remedy = write(`${name}Record`);
    const derived = [...derivedTypes(model.name), ...compoundKeys(model).map((key) => compoundKeyName(model, key))];
    for (const type of [model.name, ...derived.map(api.typeName)]) claim(types, type, owner, remedy);
    for (const field of readFields(model)) claim(queries, field, owner, remedy);
    for (const field of writeFields(model)) claim(mutations, field, owner, remedy);
  }
  const columns = models.flatMap(columnsOf);
  const filters = new Set([
    ...filteredFields(columns).map((f) => filterNameOf(api, f)),
    ...columns.map((f) => havingNameOf(api, f)),
  ]);
  // One that is no name is the filter of an enum that was told.
  for (const name of [...filters].filter(isName))
    claim(types, name, `filter ${name}`, 'rename the model or enum of that name by `api` in app/rules.ts or @@map');
  if (problems.length > 0) {
    throw new StartupError(
      `names that the API cannot have:\n${problems.map((p) => `  ${p}`).join('\n')}`,
      'rename as said; the database is not touched',
    );
  }
}

/** Columns, and what is measured of them: everything that filters compare. */
export const filteredFields = (columns: readonly ColumnField[]): ColumnField[] => [
  countField,
  ...columns,
  ...columns.flatMap((field) => measures.flatMap((measure) => resultOf(field, measure) ?? [])),
];

/** GraphQL's names are ASCII (specification, section 2.1.9); Prisma takes any letters. */
const isName = (name: string): boolean => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);

/** The name without its accents, or some other that GraphQL takes. */
function plainName(name: string): string {
  const plain = name.normalize('NFD').replaceAll(/[^A-Za-z0-9_]/g, '');
  return isName(plain) ? plain : 'another';
}

function fieldProblems({ model, fields, nameOf, aggregates }: ApiModel): string[] {
  const logic = new Set([
    'AND',
    'OR',
    'NOT',
    '_all',
    '_count',
    '_search',
    '_relevance',
    '_similarity',
    ...changeInputs.keys(),
  ]);
  const names = [...nameOf.values()];
  const twice = [...fields.keys()].filter((name) => names.indexOf(name) !== names.lastIndexOf(name));
  const problems = twice.map(
    (name) => `model ${model.name}: two fields would be called ${name}; rename one of them in app/rules.ts`,
  );
  return problems.concat(
    [...fields.keys()].flatMap((name) => {
      const rename = (another: string) =>
        `in app/rules.ts write ${model.name}: { api: { rename: { ${name}: '${another}' } } }`;
      if (logic.has(name))
        return [
          `model ${model.name}: the field ${name} is a word of every filter, order or measure; ${rename('another')}`,
        ];
      if (aggregates.has(name))
        return [
          `model ${model.name}: the name ${name} is that of the field that measures ${aggregates.get(name)!.name}; ${rename('another')}`,
        ];
      if (!isName(name) || name.startsWith('__'))
        return [`model ${model.name}: ${name} is no name in GraphQL; ${rename(plainName(name))}`];
      return [];
    }),
  );
}
