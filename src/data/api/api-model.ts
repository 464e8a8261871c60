import { pluralize } from 'inflection';
import { StartupError } from '../../errors.ts';
import type { Datamodel, EnumType, Field, Model } from '../model/datamodel.ts';
import type { RuleSet } from '../rules/rule-set.ts';
import { enumFilterNames } from './filters.ts';

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
  /** Names in the API by those in the Prisma schema. */
  nameOf: ReadonlyMap<string, string>;
  /** Whether the rules let any viewer read every row: only then a required relation to it can be non-null. */
  isPublic: boolean;
  /** Fields, by Prisma's name, that some viewer may not read: nullable in the API. */
  guarded: ReadonlySet<string>;
}

/** The models of the API by their name in the Prisma schema, and the enums they use. */
export interface Api {
  models: ReadonlyMap<string, ApiModel>;
  byTypeName: ReadonlyMap<string, ApiModel>;
  enums: readonly EnumType[];
}

/** Names that GraphQL or Millrace use for types of their own. */
const reservedTypes = new Set(
  'String Int Float Boolean ID BigInt Decimal DateTime Date Time JSON Bytes Uuid'
    .split(' ')
    .flatMap((name) => (name === 'Uuid' ? ['UuidFilter'] : [name, `${name}Filter`, `${name}ListFilter`]))
    .concat(
      'PageInfo',
      'SortOrder',
      'NullsOrder',
      'SortOrderInput',
      'OrderByCount',
      'QueryMode',
      'JsonFilter',
      'JSONListFilter',
    ),
);

/** Suffixes and prefixes that make type names out of a model's name. */
const derivedTypes = (name: string): string[] => [
  name,
  `${name}Connection`,
  `${name}Edge`,
  `${name}WhereInput`,
  `${name}WhereUniqueInput`,
  `${name}OrderByInput`,
  `${name}RelationFilter`,
  `${name}ListRelationFilter`,
  `Create${name}Input`,
  `Update${name}Input`,
  `${name}ConnectOneInput`,
  `${name}ConnectManyInput`,
];

const rootFields = (model: ApiModel): string[] => {
  const name = upperFirst(model.name);
  const reads = model.model.uniqueKeys.length > 0 ? [model.one, model.many] : [model.many];
  return model.model.isView ? reads : [...reads, `create${name}`, `update${name}`, `delete${name}`];
};

/** `Task` → `task`, `HTTPLog` → `hTTPLog`, as Prisma Client names its models. */
export const lowerFirst = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1);

/** The contrary of `lowerFirst`. */
export const upperFirst = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

/**
 * Decides what is in the API and what it is called there.
 * @throws StartupError when two things would have one name, naming the model and the line of app/rules.ts that helps
 */
export function describeApi(datamodel: Datamodel, rules: RuleSet): Api {
  const included = [...datamodel.models.values()].filter((model) => rules[model.name]?.api !== false);
  const names = new Set(included.map((model) => model.name));
  const models = included.map((model) => apiModel(model, names, rules));
  checkNames(models, [...datamodel.enums.values()]);
  const enums = [...datamodel.enums.values()].filter((e) =>
    models.some((m) =>
      [...m.fields.values()].some((f) => f.kind === 'column' && f.type.kind === 'enum' && f.type.enum === e),
    ),
  );
  return {
    models: new Map(models.map((m) => [m.model.name, m])),
    byTypeName: new Map(models.map((m) => [m.name, m])),
    enums,
  };
}

function apiModel(model: Model, included: ReadonlySet<string>, rules: RuleSet): ApiModel {
  const own = rules[model.name];
  const naming = own?.api || {};
  const omitted = new Set(naming.omit);
  const fields = [...model.fields.values()]
    .filter((f) => !omitted.has(f.name) && (f.kind === 'column' || included.has(f.target)))
    .map((f): [string, Field] => [naming.rename?.[f.name] ?? f.name, f]);
  const name = naming.name ?? model.name;
  const one = lowerFirst(name);
  return {
    model,
    name,
    one,
    many: naming.plural ?? pluralOf(one),
    fields: new Map(fields),
    nameOf: new Map(fields.map(([apiName, f]) => [f.name, apiName])),
    isPublic: own?.read === true,
    guarded: new Set(model.columns.filter((c) => isGuarded(own?.fields?.[c.name]?.read)).map((c) => c.name)),
  };
}

const isGuarded = (rule: unknown): boolean => rule !== undefined && rule !== true;

/** The plural; a word that is its own plural (`news`, `users`) becomes `newsList`. */
function pluralOf(one: string): string {
  const many = pluralize(one);
  return many === one ? `${one}List` : many;
}

function checkNames(models: readonly ApiModel[], enums: readonly EnumType[]): void {
  const problems: string[] = [];
  const types = new Map<string, string>([...reservedTypes].map((name) => [name, 'a type of GraphQL or Millrace']));
  const claim = (taken: Map<string, string>, name: string, owner: string, remedy: string) => {
    const other = taken.get(name);
    if (other && other !== owner) problems.push(`${owner}: the name ${name} is already that of ${other}; ${remedy}`);
    else if (/^__/.test(name)) problems.push(`${owner}: GraphQL keeps names that begin with __ for itself; ${remedy}`);
    else taken.set(name, owner);
  };
  const roots = new Map<string, string>();
  for (const e of enums) {
    const remedy = `rename the enum and keep its name in the database by @@map("${e.name}")`;
    for (const type of [e.name, ...enumFilterNames(e)]) claim(types, type, `enum ${e.name}`, remedy);
  }
  for (const model of models) {
    const { name } = model.model;
    const remedy = `in app/rules.ts write ${name}: { api: { name: '${name}Record' } }`;
    for (const type of derivedTypes(model.name)) claim(types, type, `model ${name}`, remedy);
    for (const field of rootFields(model)) claim(roots, field, `model ${name}`, remedy);
    problems.push(...fieldProblems(model));
  }
  if (problems.length > 0) {
    throw new StartupError(
      `names collide in the API:\n${problems.map((p) => `  ${p}`).join('\n')}`,
      'rename as said; the database is not touched',
    );
  }
}

function fieldProblems({ model, fields }: ApiModel): string[] {
  const logic = new Set(['AND', 'OR', 'NOT']);
  return [...fields.keys()].flatMap((name) => {
    const remedy = `in app/rules.ts write ${model.name}: { api: { rename: { ${name}: 'another' } } }`;
    if (logic.has(name)) return [`model ${model.name}: the field ${name} is a word of every filter; ${remedy}`];
    if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name)) return [`model ${model.name}: ${name} is no name in GraphQL; ${remedy}`];
    return [];
  });
}
