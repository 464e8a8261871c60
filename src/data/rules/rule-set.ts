import { StartupError } from '../../errors.ts';
import type { Viewer } from '../../viewer.ts';
import type { Datamodel, Model } from '../model/datamodel.ts';
import { schemaProblem, type ValueSchema } from './value-schema.ts';

/** What may be done with a row. */
export type Action = 'read' | 'create' | 'update' | 'delete';

/** A rule without its types: what the engine works with. */
export type UntypedRule = boolean | object | ((viewer: Viewer) => unknown);

/** The rules of one model without their types. */
export interface UntypedModelRules {
  api?:
    | false
    | {
        name?: string;
        plural?: string;
        omit?: readonly string[];
        rename?: Record<string, string>;
        readOnly?: boolean;
      };
  read?: UntypedRule;
  create?: UntypedRule;
  update?: UntypedRule;
  delete?: UntypedRule;
  fields?: Record<string, { read?: UntypedRule; write?: UntypedRule }>;
  values?: Record<string, ValueSchema>;
  defaults?: Readonly<Record<string, unknown>>;
  version?: string;
}

/** All rules, by the model's name in the Prisma schema. */
export type RuleSet = Readonly<Record<string, UntypedModelRules | undefined>>;

const modelKeys = new Set(['api', 'read', 'create', 'update', 'delete', 'fields', 'values', 'defaults', 'version']);
const fieldKeys = new Set(['read', 'write']);
const namingKeys = new Set(['name', 'plural', 'omit', 'rename', 'readOnly']);

/**
 * Checks that rules speak of models and fields that exist, so that a misspelt rule cannot leave something open or closed
 * unnoticed, and that what values are held to are schemas.
 * @throws StartupError naming every mistake
 */
export function checkRuleSet(rules: RuleSet, datamodel: Datamodel): void {
  const problems = Object.entries(rules).flatMap(([name, modelRules]) => {
    const model = datamodel.models.get(name);
    if (!model) return [`there is no model ${name} (there are: ${[...datamodel.models.keys()].join(', ')})`];
    return modelRules ? modelProblems(model, modelRules) : [];
  });
  if (problems.length > 0) {
    throw new StartupError(
      `app/rules.ts does not fit the schema:\n${problems.map((p) => `  ${p}`).join('\n')}`,
      'name only models and fields of prisma/*.prisma',
    );
  }
}

function modelProblems(model: Model, rules: UntypedModelRules): string[] {
  const unknown = (keys: string[], known: { has(key: string): boolean }, what: (key: string) => string) =>
    keys.filter((key) => !known.has(key)).map(what);
  const naming = rules.api || {};
  const columns = new Set(model.columns.map((c) => c.name));
  return [
    ...unknown(Object.keys(rules), modelKeys, (key) => `${model.name}: ${key} is not a rule`),
    ...unknown(Object.keys(naming), namingKeys, (key) => `${model.name}.api: ${key} is not a setting`),
    ...unknown(naming.omit?.slice() ?? [], model.fields, (key) => `${model.name}.api.omit: there is no field ${key}`),
    ...unknown(
      Object.keys(naming.rename ?? {}),
      model.fields,
      (key) => `${model.name}.api.rename: there is no field ${key}`,
    ),
    ...unknown(Object.keys(rules.fields ?? {}), columns, (key) => `${model.name}.fields: there is no column ${key}`),
    ...unknown(
      Object.keys(rules.defaults ?? {}),
      columns,
      (key) => `${model.name}.defaults: there is no column ${key}`,
    ),
    ...versionProblems(model, rules.version),
    ...Object.entries(rules.fields ?? {}).flatMap(([field, own]) =>
      unknown(Object.keys(own), fieldKeys, (key) => `${model.name}.fields.${field}: ${key} is not a rule`),
    ),
    ...Object.entries(rules.values ?? {}).flatMap(([name, schema]) => {
      const column = model.columns.find((c) => c.name === name);
      const problem = column ? schemaProblem(schema, column) : 'there is no such column';
      return problem ? [`${model.name}.values.${name}: ${problem}`] : [];
    }),
  ];
}

function versionProblems(model: Model, version: string | undefined): string[] {
  if (version === undefined) return [];
  const column = model.columns.find(({ name }) => name === version);
  if (!column) return [`${model.name}.version: there is no column ${version}`];
  const counts = column.type.kind === 'scalar' && ['Int', 'BigInt'].includes(column.type.name) && !column.isList;
  if (!counts) return [`${model.name}.version: ${version} is no whole number`];
  return column.default?.kind === 'value' ? [] : [`${model.name}.version: ${version} needs a @default to begin with`];
}
